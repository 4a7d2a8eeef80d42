"use strict";

// Looks for the number that solves a puzzle while its reader types: see security/work_proofs.py.
// Without it the form works, and the server allows fewer of them.
async function solve(puzzle, bits) {
  const encoder = new TextEncoder();
  for (let first = 0; ; first += 512) {
    const texts = Array.from({ length: 512 }, (_, n) => `${puzzle}.${first + n}`);
    const digests = await Promise.all(
      texts.map((text) => crypto.subtle.digest("SHA-256", encoder.encode(text))),
    );
    const found = digests.findIndex((each) => Math.clz32(new DataView(each).getUint32(0)) >= bits);
    if (found >= 0) return texts[found];
  }
}

function solveFor(form) {
  let done = false;
  const proof = form.elements.namedItem("proof");
  const solved = solve(form.dataset.puzzle, Number(form.dataset.difficulty)).then(
    (text) => {
      proof.value = text;
      proof.disabled = false;
      done = true;
    },
    () => (done = true),
  );
  form.addEventListener("submit", (event) => {
    if (done || event.defaultPrevented) return;
    event.preventDefault();
    solved.then(() => form.submit());
  });
}

// Only where the page came by a secure way (W3C Web Cryptography).
if (globalThis.crypto?.subtle) document.querySelectorAll("form[data-puzzle]").forEach(solveFor);
