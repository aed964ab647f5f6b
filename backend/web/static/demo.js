// The demo's page: phones to read and write on, and a clock to move. Words come from the page, never from here.
"use strict";

const QUIET_MS = 2000;
const MOVING_MS = 500;
const CLOCK_MS = 30000;
// An answer that is not taken must not be given for ever.
const MOST_TEXTS = 80;

const state = {
  phones: [],
  etag: "",
  chosen: "",
  open: decodeURIComponent(location.hash.slice(1)),
  // Of the open phone: whose entries are on the screen, which, and what the server said.
  shownOn: "",
  shown: [],
  answer: null,
  seen: JSON.parse(sessionStorage.getItem("seen") || "{}"),
  clock: null,
  moving: null,
};

// --- the clock -----------------------------------------------------------------------------------------------

const trialNow = () => new Date(state.clock.now + (performance.now() - state.clock.readAt));

async function readClock() {
  const answer = await (await fetch(words.clock)).json();
  state.clock = { ...answer, now: Date.parse(answer.now), readAt: performance.now() };
  showClock();
}

function showClock() {
  if (!state.clock) return;
  const now = trialNow();
  const zone = state.clock.time_zone;
  at("time").textContent = format({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" }, zone).format(now);
  at("time").dateTime = now.toISOString();
  at("day").textContent = format({ weekday: "long", day: "numeric", month: "long", year: "numeric" }, zone).format(now);
  const parts = format({ timeZoneName: "long" }, zone).formatToParts(now);
  at("zone").textContent = parts.find((part) => part.type === "timeZoneName").value;
  if (state.moving) showProgress(now);
}

function showProgress(now) {
  const { from, to } = state.moving;
  at("progress").value = Math.min(1, Math.max(0.02, (now - from) / (to - from)));
}

async function moveClock(button) {
  if (state.moving || !state.clock) return;
  const body = button.dataset.by ? { by: button.dataset.by } : { to: state.clock[button.dataset.to] };
  const from = trialNow().getTime();
  state.moving = { from, to: body.to ? Date.parse(body.to) : from + milliseconds(body.by) };
  showMoving(button, true);
  try {
    const answer = await send(words.clock, body);
    at("happened").textContent = happened(answer.ran);
  } catch {
    at("happened").textContent = words.refused;
  }
  state.moving = null;
  showMoving(button, false);
  await refresh();
}

function showMoving(pressed, isMoving) {
  // Not `disabled`, which would take the focus away from whoever pressed.
  for (const button of document.querySelectorAll(".moves button")) button.ariaDisabled = String(isMoving);
  pressed.ariaBusy = String(isMoving);
  at("progress").hidden = !isMoving;
  if (!isMoving) return;
  at("happened").textContent = words.moving;
  showClock();
  keepLooking();
}

function milliseconds(by) {
  return parseInt(by, 10) * { h: 3600e3, d: 86400e3, w: 7 * 86400e3 }[by.slice(-1)];
}

function happened(ran) {
  const sent = ran.sent || 0;
  const held = (ran.suppressed || 0) + (ran.expired || 0);
  const said = [sent ? (sent === 1 ? words.sentOne : fill(words.sentMany, { n: sent })) : words.sentNone];
  if (held) said.push(fill(words.held, { n: held }));
  return said.join(language.startsWith("zh") ? "" : " ");
}

// --- the list of phones ---------------------------------------------------------------------------------------

async function readPhones() {
  const answer = await fetch(words.phones, { headers: state.etag ? { "If-None-Match": state.etag } : {} });
  if (answer.status === 304) return;
  if (!answer.ok) throw new Error(String(answer.status));
  const etag = answer.headers.get("ETag");
  if (etag === state.etag) return;
  state.phones = (await answer.json()).phones;
  state.etag = etag;
  if (!state.phones.some((phone) => phone.number === state.open)) state.open = state.phones[0]?.number || "";
  await Promise.all([readClock(), readTexts()]);
  showPhones();
}

// What is typed is looked for in the numbers of patients and telephones, and in the last text.
function listed() {
  const typed = at("find").value.trim().toLowerCase();
  const said = (phone) => [nameOf(phone), phone.number, spaced(phone.number), phone.last?.text ?? ""].join(" ").toLowerCase();
  return typed ? state.phones.filter((phone) => said(phone).includes(typed)) : state.phones;
}

function showPhones() {
  const list = at("phones");
  const rows = listed();
  while (list.children.length > rows.length) list.lastElementChild.remove();
  while (list.children.length < rows.length) list.append(at("phone-row").content.cloneNode(true));
  rows.forEach((phone, place) => showRow(list.children[place].firstElementChild, phone));
  put(document, "#found", rows === state.phones ? "" : fill(words.found, { n: rows.length, of: state.phones.length }));
  showChosen(list);
}

// In the list alone: the page itself stays where the reader is.
function showChosen(list) {
  if (state.chosen === state.open) return;
  state.chosen = state.open;
  const row = list.querySelector("[aria-current]")?.parentElement;
  if (!row) return;
  const isBeside = list.scrollWidth > list.clientWidth + 1;
  const [from, size, room, now] = isBeside
    ? [row.offsetLeft - list.offsetLeft, row.offsetWidth, list.clientWidth, list.scrollLeft]
    : [row.offsetTop - list.offsetTop, row.offsetHeight, list.clientHeight, list.scrollTop];
  if (from < now || from + size > now + room) list.scrollTo(isBeside ? { left: from - 8 } : { top: from - room / 3 });
}

function showRow(button, phone) {
  const isOpen = phone.number === state.open;
  if (isOpen || !(phone.number in state.seen)) remember(phone);
  const news = phone.received - state.seen[phone.number];
  button.dataset.number = phone.number;
  button.ariaCurrent = isOpen ? "true" : null;
  put(button, ".who", nameOf(phone));
  put(button, ".when", phone.last ? shortTime(phone) : "");
  put(button, ".last", phone.last ? preview(phone.last) : words.quiet);
  put(button, ".new", fill(words.new, { n: news }));
  button.querySelector(".last").lang = phone.last ? phone.language : language;
  button.querySelector(".new").hidden = news <= 0;
}

function put(inside, selector, text) {
  const place = inside.querySelector(selector);
  if (place.textContent !== text) place.textContent = text;
}

function remember(phone) {
  state.seen[phone.number] = phone.received;
  sessionStorage.setItem("seen", JSON.stringify(state.seen));
}

const preview = (last) => (last.direction === "inbound" ? fill(words.you, { text: last.text }) : last.text);

function nameOf(phone) {
  const numbers = [...new Set(phone.owners.map((owner) => owner.subject_number))];
  return numbers.map((number) => fill(roleOf(phone, number), { number })).join(", ");
}

function roleOf(phone, number) {
  const roles = new Set(phone.owners.filter((one) => one.subject_number === number).map((one) => one.is_caregiver));
  if (roles.size === 2) return words.both;
  return roles.has(true) ? words.caregiver : words.patient;
}

function shortTime(phone) {
  const moment = new Date(phone.last.at);
  const day = format({ year: "numeric", month: "numeric", day: "numeric" }, phone.time_zone);
  const isToday = state.clock && day.format(moment) === day.format(trialNow());
  const options = isToday ? { hour: "2-digit", minute: "2-digit", hourCycle: "h23" } : { day: "numeric", month: "short" };
  return format(options, phone.time_zone).format(moment);
}

// --- the open phone -------------------------------------------------------------------------------------------

const openPhone = () => state.phones.find((phone) => phone.number === state.open);
const address = () => `${words.phones}/${encodeURIComponent(state.open)}`;

async function open(number) {
  if (number !== state.open) stopPlaying();
  state.open = number;
  history.replaceState(null, "", `${location.search}#${encodeURIComponent(number)}`);
  at("write-state").textContent = "";
  showPhones();
  await readTexts();
}

async function readTexts() {
  const number = state.open;
  if (!number) return;
  const answer = await fetch(address());
  if (!answer.ok) throw new Error(String(answer.status));
  const read = await answer.json();
  if (number === state.open) showTexts(read);
}

function showTexts(answer) {
  const phone = openPhone();
  state.answer = answer;
  if (!phone || player.isOn) return;
  showWhose(phone);
  at("replay").hidden = !answer.messages.length;
  const entries = entriesOf(answer);
  const marks = entries.map((entry) => JSON.stringify(entry));
  const isSame = state.shownOn === state.open && state.shown.every((mark, place) => mark === marks[place]);
  if (isSame && marks.length === state.shown.length && marks.length) return;
  const isAtEnd = at("texts").scrollHeight - at("texts").scrollTop - at("texts").clientHeight < 80;
  if (isSame && state.shown.length) {
    for (let place = state.shown.length; place < entries.length; place += 1) append(entries, place, phone, true);
  } else drawAnew(entries, phone);
  if (isAtEnd || !isSame || entries.at(-1)?.direction === "inbound") toTheEnd();
  Object.assign(state, { shownOn: state.open, shown: marks });
}

// What is drawn anew has been read before: only what comes afterwards is told to whoever listens.
function drawAnew(entries, phone) {
  const known = state.shownOn === state.open ? new Set(state.shown.map((mark) => JSON.parse(mark).at)) : null;
  at("texts").ariaLive = "off";
  at("texts").replaceChildren(...(entries.length ? [] : [line("empty", words.empty)]));
  entries.forEach((entry, place) => append(entries, place, phone, known !== null && !known.has(entry.at)));
  requestAnimationFrame(() => (at("texts").ariaLive = "polite"));
}

function append(entries, place, phone, isFresh) {
  at("texts").append(...drawn(entries[place], entries[place - 1], phone, isFresh));
}

function showWhose(phone) {
  at("open-who").textContent = nameOf(phone);
  at("open-number").replaceChildren(...unbroken(spaced(phone.number)), ` ${wordsOf("languages", phone.language)}`);
  for (const button of document.querySelectorAll("#write [data-zh]")) {
    button.textContent = phone.language.startsWith("zh") ? button.dataset.zh : button.dataset.en;
    button.lang = phone.language;
  }
}

const spaced = (number) => number.replace(/^(\+86)(\d{3})(\d{4})(\d{4})$/, "$1 $2 $3 $4");

async function write(text) {
  at("write-state").textContent = words.sending;
  try {
    const number = state.open;
    const answer = await send(address(), { text });
    if (number === state.open) showTexts(answer);
    if (at("text").value.trim() === text) at("text").value = "";
    at("write-state").textContent = "";
  } catch {
    // What was typed or pressed stays in the box, to be sent once more.
    at("text").value = at("text").value || text;
    at("write-state").textContent = words.unsent;
    toTheEnd();
  }
  await refresh();
}

// --- playing a conversation -----------------------------------------------------------------------------------

function replayThisPhone() {
  const phone = openPhone();
  if (!phone || !state.answer || state.moving) return;
  const entries = entriesOf(state.answer).filter((entry) => !entry.until);
  stopPlaying();
  at("texts").replaceChildren();
  play(fill(words.replayOf, { who: nameOf(phone) }), phone, entries, null);
}

function playRecording(button) {
  const phone = openPhone();
  if (!phone || state.moving || !state.answer) return;
  endPlaying();
  const known = new Set(entriesOf(state.answer).map(markOf));
  const to = `${address()}/replays`;
  let step = 0;
  let written = 0;
  const more = async () => {
    const answer = await send(to, { name: button.dataset.recording, step });
    step = answer.next_step;
    state.answer = answer;
    const entries = entriesOf(answer).filter((entry) => !entry.until && !known.has(markOf(entry)));
    entries.forEach((entry) => known.add(markOf(entry)));
    written += 1;
    return { entries, isLast: step === null || written >= MOST_TEXTS };
  };
  play(button.dataset.title, phone, [], more);
  player.before = entriesOf(state.answer).filter((entry) => !entry.until).at(-1) || null;
  at("texts").querySelector(".empty")?.remove();
  document.querySelector(".handset").scrollIntoView({ block: "nearest", behavior: CALM.matches ? "auto" : "smooth" });
}

// A text stays the same text when more becomes known of it.
const markOf = (entry) => [entry.kind, entry.direction || entry.state, entry.at, entry.text || entry.template].join("|");

function endPlaying() {
  if (!player.isOn) return;
  stopPlaying();
  state.shownOn = "";
  showTexts(state.answer);
}

function closePlayer() {
  endPlaying();
  at("replay").focus({ preventScroll: true });
  refresh();
}

// --- looking again and again ------------------------------------------------------------------------------------

async function send(to, body) {
  const request = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  const answer = await fetch(to, request);
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.json();
}

let looking = 0;

async function refresh() {
  try {
    await readPhones();
    if (state.moving || performance.now() - (state.clock?.readAt ?? -Infinity) > CLOCK_MS) await readClock();
    if (at("happened").textContent === words.offline) at("happened").textContent = "";
  } catch {
    if (!state.moving) at("happened").textContent = words.offline;
  }
}

async function keepLooking() {
  clearTimeout(looking);
  const turn = (looking = setTimeout(() => {}, 0));
  if (!document.hidden) await refresh();
  // Somebody else may have begun to look while this one was waiting for the server.
  if (looking === turn) looking = setTimeout(keepLooking, state.moving ? MOVING_MS : QUIET_MS);
}

document.querySelector(".moves").addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button) moveClock(button);
});
at("phones").addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button) open(button.dataset.number);
});
at("find").addEventListener("input", () => {
  state.chosen = "";
  showPhones();
});
at("quick").addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button) write(button.textContent);
});
at("replay").addEventListener("click", replayThisPhone);
at("player-stop").addEventListener("click", closePlayer);
at("player").addEventListener("keydown", (event) => event.key === "Escape" && closePlayer());
at("recordings").addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button) playRecording(button);
});
at("write").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = at("text").value.trim();
  if (text) write(text);
});
document.addEventListener("visibilitychange", () => document.hidden || keepLooking());

setInterval(showClock, 1000);
keepLooking();
