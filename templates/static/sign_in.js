"use strict";

// The pages work without this file: it shows a password on demand and stops a second submission.
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
  const free = () => {
    delete form.dataset.sent;
    form.removeAttribute("aria-busy");
  };
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) {
      event.preventDefault();
    } else {
      form.dataset.sent = "yes";
      form.setAttribute("aria-busy", "true");
      // Nothing tells a page that its successor was stopped, or never came.
      setTimeout(free, 5000);
    }
  });
  // A page that comes back from the history can be sent again.
  window.addEventListener("pageshow", free);
}

document.querySelectorAll("[data-show]").forEach(offerToShow);
document.querySelectorAll("form[data-once]").forEach(sendOnce);
