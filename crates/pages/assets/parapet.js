// What pages do beyond links and forms. Everything here is a shorter way to something that works without.
//
//   a, form [data-swap="id"]     fetch the address and put its element `id` in place of ours
//   [data-load="address"]        fetch a part of the page that takes longer, once
//   form [data-live="address"]   fetch a part again with the form's fields whenever one changes
//   [data-poll="ms"]             fetch this page again and put the element in place, until it says no more
//   input[data-complete="…"]     completion of the filter language
//   tr[data-row]                 j k move, Enter opens [data-open], x selects, e follows [data-key=e]
"use strict";

const main = () => document.getElementById("main");

// ---- partial updates -------------------------------------------------------------------------------

let turn = 0;

async function get(address) {
  const answer = await fetch(address, { headers: { Accept: "text/html" }, credentials: "same-origin" });
  if (answer.redirected && new URL(answer.url).pathname === "/sign-in") {
    location.assign(answer.url);
    return null;
  }
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

async function swap(address, id, remember) {
  const mine = ++turn;
  main().setAttribute("aria-busy", "true");
  let page;
  try {
    page = await get(address);
  } catch {
    location.assign(address);
    return;
  }
  if (!page || mine !== turn) return;
  const fresh = page.getElementById(id);
  const old = document.getElementById(id);
  if (!fresh || !old) {
    location.assign(address);
    return;
  }
  if (remember) history.pushState({ swapped: id }, "", address);
  old.replaceWith(document.adoptNode(fresh));
  document.title = page.title;
  for (const part of ["footer", ".ask"]) {
    const [ours, theirs] = [document.querySelector(part), page.querySelector(part)];
    if (ours && theirs && !ours.contains(document.activeElement)) ours.replaceWith(document.adoptNode(theirs));
  }
  main().removeAttribute("aria-busy");
  begin(document);
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[data-swap]");
  if (!link || event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  swap(link.href, link.dataset.swap, true);
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.dataset.swap || form.method !== "get") return;
  event.preventDefault();
  const address = new URL(form.action, location.href);
  address.search = new URLSearchParams([...new FormData(form)].filter(([, value]) => value !== "")).toString();
  swap(address.href, form.dataset.swap, true);
});

addEventListener("popstate", () => swap(location.href, "main", false));
history.replaceState({ swapped: "main" }, "");

// ---- parts that come later, and progress -----------------------------------------------------------

function begin(root) {
  for (const part of root.querySelectorAll("[data-load]")) {
    const address = part.dataset.load;
    part.removeAttribute("data-load");
    load(part, address);
  }
  for (const part of root.querySelectorAll("[data-poll]:not([data-polled])")) {
    part.dataset.polled = "";
    setTimeout(() => refresh(part.id), Number(part.dataset.poll));
  }
}

async function load(part, address) {
  part.dataset.loading = address;
  part.setAttribute("aria-busy", "true");
  const page = await get(address).catch(() => undefined);
  if (part.dataset.loading !== address) return;
  part.removeAttribute("aria-busy");
  const fresh = page?.querySelector("[data-part]");
  if (fresh) {
    part.replaceChildren(...document.adoptNode(fresh).childNodes);
    begin(part);
  } else if (page === undefined) part.append(" could not be loaded");
  delete part.dataset.loading;
}

document.addEventListener("change", (event) => {
  const part = event.target.form?.querySelector("[data-live]");
  if (!part) return;
  const fields = [...new FormData(event.target.form)].filter(([name, value]) => name !== "csrf" && value !== "");
  load(part, `${part.dataset.live}?${new URLSearchParams(fields)}`);
});

async function refresh(id) {
  const page = document.hidden ? null : await get(location.href).catch(() => null);
  const old = document.getElementById(id);
  if (!old) return;
  const fresh = page?.getElementById(id);
  if (!fresh) {
    setTimeout(() => refresh(id), Number(old.dataset.poll));
  } else if (!old.contains(document.activeElement)) {
    old.replaceWith(document.adoptNode(fresh));
    begin(document);
  } else {
    delete old.dataset.polled;
    begin(document);
  }
}

// ---- completion ------------------------------------------------------------------------------------

function complete(input) {
  const list = document.createElement("ul");
  list.className = "options";
  list.id = `${input.id}-options`;
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Completions");
  list.hidden = true;
  input.after(list);
  for (const [name, value] of Object.entries({
    role: "combobox", "aria-autocomplete": "list", "aria-controls": list.id, "aria-expanded": "false",
  })) input.setAttribute(name, value);
  let options = [];
  let at = -1;
  let asked = 0;

  const close = () => {
    list.hidden = true;
    at = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };
  const mark = (to) => {
    at = to;
    [...list.children].forEach((item, i) => item.setAttribute("aria-selected", String(i === at)));
    const item = list.children[at];
    if (!item) return input.removeAttribute("aria-activedescendant");
    input.setAttribute("aria-activedescendant", item.id);
    item.scrollIntoView({ block: "nearest" });
  };
  const take = (option) => {
    const rest = input.value.slice(input.selectionStart);
    const head = input.value.slice(0, option.from) + option.text;
    input.value = head + rest;
    input.setSelectionRange(head.length, head.length);
    close();
    if (!option.last) ask();
  };
  const show = () => {
    list.replaceChildren(...options.map((option, i) => {
      const item = document.createElement("li");
      item.id = `${list.id}-${i}`;
      item.setAttribute("role", "option");
      const [word, help] = [document.createElement("code"), document.createElement("span")];
      word.textContent = option.text.trim();
      help.textContent = option.help;
      help.className = "muted";
      item.append(word, help);
      item.addEventListener("mousedown", (event) => {
        event.preventDefault();
        take(option);
      });
      return item;
    }));
    list.hidden = options.length === 0;
    input.setAttribute("aria-expanded", String(!list.hidden));
    at = -1;
  };
  const ask = async () => {
    const mine = ++asked;
    const query = new URLSearchParams({ text: input.value.slice(0, input.selectionStart) });
    const answer = await fetch(`${input.dataset.complete}?${query}`, { credentials: "same-origin" }).catch(() => null);
    if (!answer?.ok || mine !== asked) return;
    options = await answer.json();
    if (document.activeElement === input) show();
  };
  input.addEventListener("input", ask);
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      list.hidden ? input.blur() : close();
      event.stopPropagation();
    } else if (event.key === "ArrowDown") {
      event.preventDefault();
      list.hidden ? ask() : mark((at + 1) % options.length);
    } else if (event.key === "ArrowUp" && !list.hidden) {
      event.preventDefault();
      mark((at + options.length - 1) % options.length);
    } else if ((event.key === "Enter" || event.key === "Tab") && !list.hidden && at >= 0) {
      event.preventDefault();
      take(options[at]);
    }
  });
}

// ---- keys ------------------------------------------------------------------------------------------

const rows = () => [...document.querySelectorAll("tr[data-row]")];
const current = () => document.querySelector("tr.at");

function move(by) {
  const all = rows();
  if (all.length === 0) return;
  const at = all.indexOf(current());
  const to = all[Math.min(Math.max(at + by, 0), all.length - 1)];
  current()?.classList.remove("at");
  to.classList.add("at");
  to.tabIndex = -1;
  to.focus({ preventScroll: true });
  to.scrollIntoView({ block: "nearest" });
}

function select(row) {
  const box = row.querySelector("input[type=checkbox]");
  const chosen = row.classList.toggle("chosen");
  row.setAttribute("aria-selected", String(chosen));
  if (box) box.checked = chosen;
}

function except() {
  const way = document.querySelector("[data-key=e]");
  if (!way) return;
  const chosen = rows().filter((row) => row.classList.contains("chosen"));
  const terms = (chosen.length ? chosen : [current()].filter(Boolean)).map((row) => row.dataset.term).filter(Boolean);
  const address = new URL(way.href, location.href);
  if (terms.length) {
    const base = address.searchParams.get("where");
    const any = terms.length === 1 ? terms[0] : `(${terms.join(" or ")})`;
    address.searchParams.set("where", base ? `(${base}) and ${any}` : any);
  }
  location.assign(address);
}

document.addEventListener("change", (event) => {
  const row = event.target.closest?.("tr[data-row]");
  if (!row || event.target.type !== "checkbox") return;
  row.classList.toggle("chosen", event.target.checked);
  row.setAttribute("aria-selected", String(event.target.checked));
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (event.target.closest("input, select, textarea, dialog[open]")) return;
  const acts = {
    "/": () => {
      const box = document.getElementById("question");
      box?.focus();
      box?.select();
    },
    j: () => move(1),
    k: () => move(-1),
    x: () => current() && select(current()),
    e: except,
    "?": () => document.getElementById("keys")?.showModal(),
  };
  if (event.key === "Enter") {
    if (event.target === current()) current().querySelector("[data-open]")?.click();
    return;
  }
  if (!acts[event.key]) return;
  event.preventDefault();
  acts[event.key]();
});

// A form is sent once.
document.addEventListener("submit", (event) => {
  const button = event.submitter;
  if (event.defaultPrevented || event.target.method !== "post" || !button) return;
  setTimeout(() => { button.disabled = true; });
});
addEventListener("pageshow", () => document.querySelectorAll("button[disabled]").forEach((button) => { button.disabled = false; }));

for (const input of document.querySelectorAll("input[data-complete]")) complete(input);
begin(document);
