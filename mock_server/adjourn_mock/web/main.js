// The page: which environment and view are shown, and what the environment's events mean for them.

import { api, contract, follow, of, onTokenNeeded } from "./api.js";
import { ChatsView } from "./chats.js";
import { ask, attempt, badge, field, h, notice } from "./dom.js";
import { EnvironmentView } from "./environment.js";
import { FaultsView } from "./faults.js";
import { JournalView } from "./journal.js";
import { SessionsView } from "./sessions.js";

const $ = (selector) => document.querySelector(selector);

onTokenNeeded(async () => {
  const input = h("input", { type: "password", autocomplete: "off", required: true });
  const given = await ask("This mock needs its control token", field("Control token (--control-token)", input), "Continue");
  return given ? input.value : null;
});

/** What the views share. */
const page = {
  /** The environment, as the control API shows it, with the faults that are on. */
  environment: null,
  /** Another mock clock than this machine's: what its clock showed, and when we received it. */
  clock: null,
  go(view, values = {}) {
    location.hash = `#/${view}?${new URLSearchParams(values)}`;
  },
  async choose(name) {
    await load(name);
  },
};

const views = {
  journal: new JournalView(page),
  sessions: new SessionsView(page),
  chats: new ChatsView(page),
  faults: new FaultsView(page),
  environment: new EnvironmentView(page),
};
let current = null;
let following = null;

function route() {
  const [name, values = ""] = location.hash.replace(/^#\//, "").split("?");
  const shown = views[name] ? name : "journal";
  for (const link of document.querySelectorAll("#views a")) {
    if (link.hash === `#/${shown}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const view = views[shown];
  if (current !== view) {
    current = view;
    $("#view").replaceChildren(...view.elements);
    document.title = `${shown} \u2013 adjourn`;
  }
  view.shown(new URLSearchParams(values));
}

async function load(wanted) {
  const listed = await attempt(() => api.get("environments?limit=1000"));
  if (!listed) {
    setTimeout(() => load(wanted), 2000);
    return;
  }
  const { environments } = listed;
  const chosen = environments.find((each) => each.id === wanted || each.name === wanted) ?? environments[0];
  $("#environments").replaceChildren(...environments.map((each) => h("option", { value: each.id }, each.name)));
  if (!chosen) {
    $("#facts").replaceChildren("The mock has no environment.");
    return;
  }
  $("#environments").value = chosen.id;
  sessionStorage.setItem("adjourn-environment", chosen.id);
  followEnvironment(chosen);
}

function followEnvironment(environment) {
  following?.abort();
  following = new AbortController();
  page.environment = { ...environment, active: [] };
  page.clock = { now: Date.parse(environment.clock.now), at: Date.now() };
  for (const view of Object.values(views)) view.start();
  facts();
  follow(environment.id, {
    start: () => { for (const view of Object.values(views)) view.restarted?.(); },
    state: (name) => {
      const tone = { live: "good", gone: "bad" }[name] ?? "warn";
      $("#connection").replaceWith(h("span.badge", { id: "connection", class: `badge ${tone}`, role: "status" }, name));
      if (name === "gone") gone();
    },
    event: (name, data) => {
      if (name === "environment") {
        page.environment = data;
        page.clock = { now: Date.parse(data.clock.now), at: Date.now() };
        facts();
      }
      if (name === "gone") gone();
      for (const view of Object.values(views)) view.event(name, data);
    },
  }, following.signal);
}

function gone() {
  following?.abort();
  notice("This environment was deleted.", true);
  load(null);
}

/** What time it is in the environment, as RFC 3339. */
function now() {
  const { clock, environment } = page;
  return new Date(environment.clock.frozen ? clock.now : clock.now + Date.now() - clock.at).toISOString();
}

function facts() {
  const { environment } = page;
  const one = (count, name) => h("span", {}, h("strong", {}, String(count)), ` ${name}${count === 1 ? "" : "s"}`);
  $("#facts").replaceChildren(
    h("span", {}, "key ", h("code", {}, environment.secretKey)),
    one(environment.sessions, "session"),
    one(environment.exchanges, "exchange"),
    environment.faults ? badge(`${environment.faults} ${environment.faults === 1 ? "fault" : "faults"} enabled`, "bad") : one(0, "fault"),
    h("span", {}, "dialect ", h("strong", {}, environment.dialect)),
    h("span", {}, "clock ", h("strong", { id: "now" }, ""), environment.clock.frozen ? " (frozen)" : ""),
  );
  tick();
}

function tick() {
  const shown = $("#now");
  if (shown && page.environment) shown.textContent = `${now().slice(0, 19).replace("T", " ")} UTC`;
}

const themes = ["auto", "light", "dark"];
function theme(name) {
  if (name === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = name;
  $("#theme").textContent = `theme: ${name}`;
  localStorage.setItem("adjourn-theme", name);
}

theme(themes.includes(localStorage.getItem("adjourn-theme")) ? localStorage.getItem("adjourn-theme") : "auto");
$("#theme").addEventListener("click", () => theme(themes[(themes.indexOf(localStorage.getItem("adjourn-theme")) + 1) % themes.length]));
$("#environments").addEventListener("change", (event) => load(event.target.value));
addEventListener("hashchange", route);
// A browser has few connections to a host: a page that nobody sees, or that is kept for the way back, holds none.
document.addEventListener("visibilitychange", () => {
  if (document.hidden) following?.abort();
  else if (page.environment) load(page.environment.id);
});
addEventListener("pagehide", () => following?.abort());
addEventListener("pageshow", (event) => { if (event.persisted && page.environment) load(page.environment.id); });
setInterval(tick, 1000);
contract().then((found) => {
  for (const view of Object.values(views)) view.contract?.(found);
}, (error) => notice(error.message, true));
route();
load(sessionStorage.getItem("adjourn-environment"));
