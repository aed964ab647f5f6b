// The demo's page: phones to read and write on, and a clock to move. Words come from the page, never from here.

const root = document.getElementById("demo");
const words = root.dataset;
const language = document.documentElement.lang;
const QUIET_MS = 2000;
const MOVING_MS = 500;
const CLOCK_MS = 30000;

const state = {
  phones: [],
  etag: "",
  open: decodeURIComponent(location.hash.slice(1)),
  shown: "",
  seen: JSON.parse(sessionStorage.getItem("seen") || "{}"),
  clock: null,
  moving: null,
};

const at = (id) => document.getElementById(id);
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
const format = (options, where, spoken = language) => new Intl.DateTimeFormat(spoken, { timeZone: where, ...options });

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

function showPhones() {
  const list = at("phones");
  while (list.children.length > state.phones.length) list.lastElementChild.remove();
  while (list.children.length < state.phones.length) list.append(at("phone-row").content.cloneNode(true));
  state.phones.forEach((phone, place) => showRow(list.children[place].firstElementChild, phone));
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
  state.open = number;
  history.replaceState(null, "", `${location.search}#${encodeURIComponent(number)}`);
  at("write-state").textContent = "";
  showPhones();
  await readTexts();
}

async function readTexts() {
  const number = state.open;
  if (!number) return;
  const answer = await (await fetch(address())).json();
  if (number === state.open) showTexts(answer.messages);
}

function showTexts(messages) {
  const phone = openPhone();
  const mark = JSON.stringify([state.open, messages.length]);
  if (!phone || mark === state.shown) return;
  const known = state.shown.startsWith(JSON.stringify([state.open]).slice(0, -1)) ? JSON.parse(state.shown)[1] : Infinity;
  at("open-who").textContent = nameOf(phone);
  at("open-number").textContent = spaced(phone.number);
  at("texts").replaceChildren(...(messages.length ? lines(messages, phone, known) : [line("empty", words.quiet)]));
  at("texts").scrollTop = at("texts").scrollHeight;
  state.shown = mark;
}

function* lines(messages, phone, known) {
  const day = format({ weekday: "long", day: "numeric", month: "long" }, phone.time_zone, phone.language);
  const hour = format({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" }, phone.time_zone);
  let before = "";
  for (const [place, message] of messages.entries()) {
    const moment = new Date(message.at);
    const today = day.format(moment);
    if (today !== before) yield line("date", today, phone.language);
    before = today;
    yield bubble(message, hour.format(moment), phone.language, place >= known);
  }
}

function bubble(message, hour, spoken, isFresh) {
  const entry = line(`text${message.direction === "inbound" ? " own" : ""}${isFresh ? " fresh" : ""}`, "", spoken);
  const said = Object.assign(document.createElement("span"), { className: "bubble", textContent: message.text });
  const time = Object.assign(document.createElement("time"), { dateTime: message.at, textContent: hour });
  entry.append(said, time);
  return entry;
}

function line(className, textContent, lang = language) {
  return Object.assign(document.createElement("div"), { className, textContent, lang });
}

const spaced = (number) => number.replace(/^(\+86)(\d{3})(\d{4})(\d{4})$/, "$1 $2 $3 $4");

async function write(text) {
  at("write-state").textContent = words.sending;
  try {
    const number = state.open;
    const answer = await send(address(), { text });
    if (number === state.open) showTexts(answer.messages);
    at("text").value = "";
    at("write-state").textContent = "";
  } catch {
    at("write-state").textContent = words.unsent;
  }
  await refresh();
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
document.querySelector(".quick").addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button) write(button.dataset.answer);
});
at("write").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = at("text").value.trim();
  if (text) write(text);
});
document.addEventListener("visibilitychange", () => document.hidden || keepLooking());

setInterval(showClock, 1000);
keepLooking();
