// How a phone's conversation is drawn: bubbles, days, and what did not reach it. Words come from the page.
"use strict";

const root = document.getElementById("demo");
const words = root.dataset;
const language = document.documentElement.lang;
const HOUR = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
const NUMBER = /(\+?\d[\d ]{6,}\d)/;

const at = (id) => document.getElementById(id);
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
const format = (options, where, spoken = language) => new Intl.DateTimeFormat(spoken, { timeZone: where, ...options });

// The words for the program's codes stand in hidden lists, each entry with its code.
function wordsOf(list, code) {
  const entry = [...at(list).content.children].find((one) => one.dataset.code === code);
  return entry?.textContent || "";
}

// Texts and what did not leave, in the order of time; what waits stands last, for it is yet to come.
function entriesOf(answer) {
  const texts = answer.messages.map((one) => ({ ...one, kind: "text" }));
  const notes = answer.not_sent.map((one) => ({ ...one, kind: "note" }));
  const isWaiting = (one) => (one.until ? 1 : 0);
  return [...texts, ...notes].sort((one, other) => isWaiting(one) - isWaiting(other) || when(one) - when(other));
}

const when = (entry) => Date.parse(entry.at);

// One entry as elements, after the one before it: a new day is said first.
function drawn(entry, before, phone, isFresh) {
  const made = entry.kind === "text" ? bubble(entry, phone, isFresh) : note(entry, phone);
  const day = entry.until ? "" : dayOf(entry, phone);
  const isNewDay = day && (!before || day !== dayOf(before, phone));
  return isNewDay ? [line("date", day, phone.language), made] : [made];
}

function dayOf(entry, phone) {
  const options = { weekday: "long", day: "numeric", month: "long", year: "numeric" };
  return format(options, phone.time_zone, phone.language).format(when(entry));
}

function bubble(entry, phone, isFresh) {
  const isOwn = entry.direction === "inbound";
  const made = line(`text${isOwn ? " own" : ""}${isFresh ? " fresh" : ""}`, "", phone.language);
  const who = Object.assign(document.createElement("span"), { className: "hidden", lang: language });
  who.textContent = isOwn ? words.fromPhone : words.toPhone;
  const said = Object.assign(document.createElement("span"), { className: "bubble" });
  said.append(...unbroken(entry.text));
  const below = Object.assign(document.createElement("span"), { className: "below", lang: language });
  const hour = format(HOUR, phone.time_zone).format(when(entry));
  below.append(Object.assign(document.createElement("time"), { dateTime: entry.at, textContent: hour }));
  const state = entry.state && wordsOf(isOwn ? "states-own" : "states", entry.state);
  if (state) below.append(Object.assign(document.createElement("span"), { className: `state ${entry.state}`, textContent: state }));
  made.append(who, said, below);
  return made;
}

// A telephone number is not broken over two lines where it fits on one.
function unbroken(text) {
  return text.split(NUMBER).map((part, place) =>
    place % 2 ? Object.assign(document.createElement("span"), { className: "number", textContent: part }) : part,
  );
}

function note(entry, phone) {
  const made = line(`note ${entry.state}`, "");
  const values = { n: entry.count, reason: reasonOf(entry), until: entry.until ? untilOf(entry, phone) : "" };
  const said = entry.until ? words.waits : { cancelled: words.recalled, failed: words.failed, in_app: words.inApp }[entry.state] || words.notSent;
  const what = wordsOf("templates", entry.template);
  const title = entry.count > 1 ? fill(words.several, values) : what || words.oneText;
  made.append(Object.assign(document.createElement("b"), { textContent: title }), " ", fill(said, values));
  return made;
}

const reasonOf = (entry) => wordsOf("reasons", entry.reason) || fill(words.another, { code: (entry.reason || "?").replaceAll("_", " ") });

function untilOf(entry, phone) {
  const options = { weekday: "short", day: "numeric", month: "short", ...HOUR };
  return format(options, phone.time_zone).format(new Date(entry.until));
}

function typing(isOwn) {
  const made = line(`text typing${isOwn ? " own" : ""}`, "");
  const dots = Object.assign(document.createElement("span"), { className: "bubble" });
  dots.append(...[1, 2, 3].map(() => document.createElement("i")));
  made.append(dots);
  made.ariaHidden = "true";
  return made;
}

function line(className, textContent, lang = language) {
  return Object.assign(document.createElement("div"), { className, textContent, lang });
}
