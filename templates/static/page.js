"use strict";

// The pages work without this file: it only makes them kinder.
function offerToShow(field) {
  const input = field.querySelector("input");
  const button = document.createElement("button");
  button.type = "button";
  button.className = "reveal";
  button.setAttribute("aria-controls", input.id);
  const label = (shown) => {
    input.type = shown ? "text" : "password";
    button.textContent = shown ? field.dataset.hide : field.dataset.show;
    button.setAttribute("aria-label", shown ? field.dataset.hideName : field.dataset.showName);
  };
  button.addEventListener("click", () => label(input.type === "password"));
  input.form.addEventListener("submit", () => label(false));
  label(false);
  field.append(button);
}

function sendOnce(form) {
  let timers = [];
  const button = form.querySelector("[data-busy]");
  const words = button?.textContent;
  const allow = () => delete form.dataset.sent;
  const free = () => {
    if (!form.hasAttribute("aria-busy")) return;
    timers.forEach(clearTimeout);
    allow();
    form.removeAttribute("aria-busy");
    if (button) button.textContent = words;
  };
  const tell = () => {
    if (button) button.textContent = button.dataset.busy;
  };
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) {
      event.preventDefault();
    } else {
      form.dataset.sent = "yes";
      form.setAttribute("aria-busy", "true");
      timers.forEach(clearTimeout);
      // Nothing tells a page that its successor was stopped, or never came: it may be sent again
      // long before it looks as if it were not under way.
      timers = [setTimeout(tell, 300), setTimeout(allow, 5000), setTimeout(free, 60000)];
    }
  });
  // Escape stops what was sent, and a page that comes back from the history can be sent again.
  window.addEventListener("keydown", (event) => event.key === "Escape" && free());
  window.addEventListener("pageshow", free);
}

function warnOfCapitals(hint) {
  const input = document.getElementById("password");
  const look = (event) => {
    const on = event.getModifierState?.("CapsLock") && event.type !== "blur";
    hint.textContent = on ? hint.dataset.text : "";
  };
  ["keydown", "keyup", "mousedown", "blur"].forEach((kind) => input.addEventListener(kind, look));
}

function countDown(place) {
  const until = Date.now() + place.dataset.wait * 1000;
  const button = document.querySelector("form[data-once] .btn-primary");
  const time = new Intl.DateTimeFormat(document.documentElement.lang, { timeStyle: "short" });
  place.querySelector(".name").textContent = time.format(Math.ceil(until / 60000) * 60000);
  if (!button) return;
  const words = button.textContent;
  const tick = () => {
    const left = Math.ceil((until - Date.now()) / 1000);
    button.disabled = left > 0;
    const parts = [Math.floor(left / 60) % 60, left % 60];
    if (left >= 3600) parts.unshift(Math.floor(left / 3600));
    const clock = parts.map((each, place) => String(each).padStart(place && 2, "0")).join(":");
    button.textContent = left > 0 ? `${words} (${clock})` : words;
    if (left > 0) setTimeout(tick, 1000);
  };
  tick();
}

function offerToCopy(place) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "btn-inline";
  button.textContent = place.dataset.copy;
  button.addEventListener("click", async () => {
    const code = place.querySelector("code");
    getSelection().selectAllChildren(code);
    try {
      await navigator.clipboard.writeText(code.textContent);
      button.textContent = place.dataset.copied;
    } catch {
      // No clipboard: what is to be copied is selected.
    }
  });
  place.append(" ", button);
}

// Where a style sheet cannot: not every browser has ::before on what does not load.
function standIn(logo) {
  const missing = () => {
    document.querySelector(".header .monogram").hidden = false;
    document.querySelector(".header .company").classList.remove("visually-hidden");
    logo.remove();
  };
  if (logo.complete && !logo.naturalWidth) missing();
  else logo.addEventListener("error", missing);
}

// What is ticked is meant for every way to sign in, and not for the form alone that it stands in.
function carry(box) {
  for (const form of document.querySelectorAll("form[method=post]")) {
    if (form === box.form) continue;
    form.addEventListener("formdata", ({ formData }) => {
      if (box.checked) formData.append(box.name, box.value);
    });
  }
}

document.querySelectorAll("[data-show]").forEach(offerToShow);
document.querySelectorAll("form[data-once]").forEach(sendOnce);
document.querySelectorAll("#remember").forEach(carry);
document.querySelectorAll("#caps-lock").forEach(warnOfCapitals);
document.querySelectorAll("[data-wait]").forEach(countDown);
document.querySelectorAll("[data-copy]").forEach(offerToCopy);
document.querySelectorAll("img.logo").forEach(standIn);
