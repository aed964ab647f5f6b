// Plays a conversation bubble by bubble: the phone's own from its beginning, or a recorded one, live.
"use strict";

const CALM = matchMedia("(prefers-reduced-motion: reduce)");
const SHORTEST_MS = 450;
const LONGEST_MS = 2600;
// A step that takes longer moves the clock far, and a visitor should know why it takes so long.
const LONG_MS = 1500;
const MS_A_LETTER = 16;
// A Chinese character says about three times as much as a letter.
const DENSE = /[\u2e80-\uffef]/gu;

// What is being played: `waiting` are entries still to be shown, `more` brings further ones, or null at the end.
const player = { isOn: false, isPaused: false, isBusy: false, turn: 0, done: 0, total: 0, waiting: [], before: null, more: null };

function play(title, phone, entries, more) {
  Object.assign(player, { isOn: true, isPaused: false, isBusy: false, done: 0, total: entries.length, waiting: [...entries], before: null, more, phone, title });
  player.isRecorded = more !== null;
  player.isHurried = false;
  at("write").hidden = true;
  at("player").hidden = false;
  at("player-title").textContent = title;
  at("player-progress").hidden = player.isRecorded;
  for (const id of ["player-pause", "player-step", "player-skip"]) at(id).hidden = false;
  showPaused();
  showProgressOfPlay();
  at("player-pause").focus({ preventScroll: true });
  goOn();
}

// Each turn ends the ones begun before it, so that a press and a timer never show the same entry twice.
async function goOn(isOneStep = false) {
  const turn = ++player.turn;
  do {
    if (!(await fetchMore(turn))) return;
    if (!player.waiting.length) return finish();
    if (!isOneStep && !player.isHurried && !(await pauseBefore(player.waiting[0], turn))) return;
    reveal(player.waiting.shift());
  } while (!isOneStep && !player.isPaused && turn === player.turn);
}

// False when this turn is over: another one began, or nothing came and the player stands still.
async function fetchMore(turn) {
  if (player.waiting.length || !player.more) return true;
  if (player.isBusy) return false;
  player.isBusy = true;
  said(words.sending);
  const takesLong = setTimeout(() => said(words.moving), LONG_MS);
  const dots = showTyping(true);
  let came = null;
  try {
    came = await player.more();
  } catch {
    clearTimeout(takesLong);
    dots?.remove();
    player.isBusy = false;
    if (player.isOn) setPaused(true);
    said(words.stuck);
    return false;
  }
  clearTimeout(takesLong);
  dots?.remove();
  player.isBusy = false;
  if (!player.isOn) return false;
  if (came.isLast) player.more = null;
  player.waiting.push(...came.entries);
  showProgressOfPlay();
  if (turn !== player.turn) {
    // Somebody pressed while the server was thinking: go on as they wish.
    if (!player.isPaused) goOn();
    return false;
  }
  return player.waiting.length > 0 || !player.more || fetchMore(turn);
}

async function pauseBefore(entry, turn) {
  const dots = entry.kind === "text" ? showTyping(entry.direction === "inbound") : null;
  await new Promise((resolve) => setTimeout(resolve, pauseFor(entry)));
  dots?.remove();
  return turn === player.turn && player.isOn && !player.isPaused;
}

function pauseFor(entry) {
  const text = entry.text || "";
  const letters = text.length + 2 * (text.match(DENSE) || []).length;
  return Math.min(LONGEST_MS, SHORTEST_MS + MS_A_LETTER * letters) / Number(at("player-speed").value);
}

function showTyping(isOwn) {
  if (CALM.matches || player.isHurried) return null;
  at("texts").querySelector(".typing")?.remove();
  const dots = typing(isOwn);
  at("texts").append(dots);
  toTheEnd();
  return dots;
}

function reveal(entry) {
  at("texts").querySelector(".typing")?.remove();
  at("texts").append(...drawn(entry, player.before, player.phone, !CALM.matches));
  player.before = entry.until ? player.before : entry;
  player.done += 1;
  showProgressOfPlay();
  toTheEnd();
}

const toTheEnd = () => (at("texts").scrollTop = at("texts").scrollHeight);

function showProgressOfPlay() {
  player.total = player.done + player.waiting.length;
  at("player-progress").max = player.total || 1;
  at("player-progress").value = player.done;
  at("player-progress").hidden = player.isRecorded;
  said(player.isRecorded ? words.live : fill(words.place, { done: player.done, of: player.total }));
}

const said = (text) => (at("player-state").textContent = text);

function setPaused(isPaused) {
  player.isPaused = isPaused;
  showPaused();
}

function showPaused() {
  at("player-pause").textContent = player.isPaused ? words.play : words.pause;
}

function finish() {
  for (const id of ["player-pause", "player-step", "player-skip"]) at(id).hidden = true;
  said(words.finished);
  at("player-progress").hidden = true;
  if (!at("player").contains(document.activeElement)) return;
  at("player-stop").focus({ preventScroll: true });
}

// The rest at once. Of a recorded conversation the texts are still written, one after another.
function skipToTheEnd() {
  player.isHurried = true;
  setPaused(false);
  if (!player.more) at("texts").ariaLive = "off";
  goOn();
}

function stopPlaying() {
  if (!player.isOn) return;
  player.isOn = false;
  player.turn += 1;
  player.waiting = [];
  player.more = null;
  at("texts").ariaLive = "polite";
  at("player").hidden = true;
  at("write").hidden = false;
}

at("player-pause").addEventListener("click", () => {
  setPaused(!player.isPaused);
  if (player.isPaused) player.turn += 1;
  else goOn();
});
at("player-step").addEventListener("click", () => {
  setPaused(true);
  goOn(true);
});
at("player-skip").addEventListener("click", skipToTheEnd);
