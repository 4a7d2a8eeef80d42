"use strict";

// Says while a password is typed what is known of it here: whether it is long enough, and whether
// it only looks so. Whether it may be chosen is for the server to say, which knows more.
const field = document.getElementById("password");
const told = document.getElementById("password-strength");

// What is left of it once names, repetitions and rows (1234, dcba) are taken out.
function essence(text) {
  const typed = [...field.form.elements].filter((each) => each.type === "text" && each !== field);
  const names = typed.flatMap((each) => each.value.toLowerCase().split(/[^\p{L}\p{N}]+/u));
  let rest = text.slice(0, 128).toLowerCase();
  for (const name of names) if (name.length > 2) rest = rest.replaceAll(name, "");
  const one = rest.replace(/(.{1,32}?)\1+/gu, "$1");
  const codes = [...one].map((each) => each.codePointAt(0));
  return codes.filter((code, n) => !n || Math.abs(code - codes[n - 1]) > 1).length;
}

if (field && told) {
  const least = Number(told.dataset.least);
  const meter = document.createElement("meter");
  meter.setAttribute("aria-hidden", "true");
  Object.assign(meter, { max: 2 * least, low: least / 2, high: least, optimum: 2 * least, hidden: true });
  told.before(meter);
  let timer;
  const look = () => {
    const text = field.value.normalize("NFC");
    const length = [...text].length;
    const worth = Math.min(length, 2 * essence(text));
    meter.value = worth;
    meter.hidden = !length;
    const short = told.dataset.short.replace("{typed}", length);
    const words = length < least ? short : worth < least ? told.dataset.weak : told.dataset.enough;
    // A screen reader is told once somebody pauses, and not at every key.
    clearTimeout(timer);
    timer = setTimeout(() => (told.textContent = length ? words : ""), 400);
  };
  field.form.addEventListener("input", look);
  look();
}
