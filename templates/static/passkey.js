"use strict";

// Passkeys (WebAuthn Level 3). Without this file, or what it needs, the other ways stay.
const toBytes = (text) => {
  const padded = text.replace(/-/g, "+").replace(/_/g, "/");
  return Uint8Array.from(atob(padded), (each) => each.charCodeAt(0));
};
const toText = (buffer) => {
  const text = Array.from(new Uint8Array(buffer), (each) => String.fromCharCode(each)).join("");
  return btoa(text).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
};
const known = (list) => (list || []).map((each) => ({ ...each, id: toBytes(each.id) }));

function toOptions({ get, create }) {
  const told = get || create;
  const options = { ...told, challenge: toBytes(told.challenge) };
  if (get) options.allowCredentials = known(get.allowCredentials);
  else {
    options.excludeCredentials = known(create.excludeCredentials);
    options.user = { ...create.user, id: toBytes(create.user.id) };
  }
  return options;
}

function toJson(credential) {
  const { response } = credential;
  const told = { clientDataJSON: toText(response.clientDataJSON) };
  for (const name of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (name === "authenticatorData" && response.attestationObject) continue;
    if (response[name]) told[name] = toText(response[name]);
  }
  if (response.getTransports) told.transports = response.getTransports();
  const id = toText(credential.rawId);
  return JSON.stringify({ id, rawId: id, type: credential.type, response: told });
}

function offer(form) {
  const status = form.querySelector("[role=status]");
  if (!window.PublicKeyCredential) {
    status.textContent = form.dataset.missing;
    return;
  }
  const asked = JSON.parse(form.dataset.passkey);
  const options = toOptions(asked);
  const ends = Date.now() + options.timeout;
  let waiting;

  const run = async (more) => {
    waiting?.abort();
    waiting = new AbortController();
    const wanted = { ...more, publicKey: options, signal: waiting.signal };
    const ask = asked.get ? "get" : "create";
    const credential = await navigator.credentials[ask](wanted);
    form.elements.credential.value = toJson(credential);
    form.submit();
  };
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    status.textContent = "";
    if (Date.now() > ends) {
      location.reload();
      return;
    }
    try {
      await run({});
    } catch (refusal) {
      // A person who closes what the browser showed meant it; there is nothing to say but that.
      if (refusal.name !== "AbortError") status.textContent = form.dataset.failed;
      fill();
    }
  });
  // The browser offers passkeys where the address is typed (conditional mediation).
  const fill = async () => {
    const able = await PublicKeyCredential.isConditionalMediationAvailable?.();
    if (!asked.get || asked.get.allowCredentials.length || !able) return;
    setTimeout(() => waiting?.abort(), ends - Date.now());
    run({ mediation: "conditional" }).catch(() => {});
  };
  form.hidden = false;
  fill();
}

// What the browser can do beside that (Level 3) decides what follows a sign-in.
async function tellAbilities(fields) {
  const able = (await window.PublicKeyCredential?.getClientCapabilities?.()) || {};
  if (!able.conditionalCreate && !able.signalAllAcceptedCredentials) return;
  for (const field of fields) {
    field.value = able.conditionalCreate ? "create" : "signal";
    field.disabled = false;
  }
}

// Passkeys that are no longer good, and what their owner is called, for whatever keeps them.
async function signal(place) {
  for (const [name, told] of Object.entries(JSON.parse(place.dataset.signals))) {
    try {
      await window.PublicKeyCredential?.[name]?.(told);
    } catch {
      // It is told again next time.
    }
  }
}

// After a sign-in: a passkey is made where the browser does so without asking, and on it goes.
async function goOn(link) {
  const form = document.querySelector("[data-create]");
  if (link.dataset.signals) await signal(link);
  try {
    const publicKey = toOptions(JSON.parse(form.dataset.create));
    const patience = AbortSignal.timeout(3000);
    const wanted = { mediation: "conditional", publicKey, signal: patience };
    form.elements.credential.value = toJson(await navigator.credentials.create(wanted));
    form.submit();
  } catch {
    location.replace(link.href);
  }
}

document.querySelectorAll("[data-passkey]").forEach(offer);
document.querySelectorAll("form[data-signals]").forEach(signal);
document.querySelectorAll("#resume").forEach(goOn);
tellAbilities(document.querySelectorAll("input[name=passkeys]"));
