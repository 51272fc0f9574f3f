// Requests and answers as they come: which session was closed, by whom, with which reason.

import { api, of } from "./api.js";
import { curl } from "./curl.js";
import { Detail } from "./detail.js";
import { attempt, badge, choice, copy, debounced, h, offer, pretty, statusTone, timeOfDay } from "./dom.js";
import { List } from "./list.js";

const KEPT = 1000;
// Class and head of each column.
const COLUMNS = [["time", "Time"], ["status", "Status"], ["request", "Request"], ["target", "Session"], ["outcome", "Outcome"], ["client", "Client"]];

export class JournalView {
  constructor(page) {
    this.page = page;
    this.entries = [];
    this.held = [];
    this.search = h("input", { type: "search", placeholder: "Path, id, reason or clause", "aria-label": "Search the journal", oninput: () => this.draw() });
    this.operation = choice([["", "All operations"]],
      { "aria-label": "Operation", onchange: () => this.draw() });
    this.status = choice([["", "All statuses"], ["2", "2xx"], ["4", "4xx"], ["5", "5xx"]], { "aria-label": "Status", onchange: () => this.draw() });
    this.only = choice([["", "Everything"], ["clause", "Refused"], ["differs", "Differs in production"], ["faults", "With faults"], ["close", "Closes"]],
      { "aria-label": "Only", onchange: () => this.draw() });
    this.pause = h("button", { type: "button", "aria-pressed": "false", onclick: () => this.hold() }, "Pause");
    this.summary = h("div.summary", { role: "status" });
    this.list = new List({
      label: "Exchanges, newest first", kind: "exchange", empty: "No requests yet.",
      key: keyOf, columns: COLUMNS, cells, open: (entry) => this.open(entry),
    });
    this.detail = new Detail("Choose an exchange to see its request and answer.");
    this.detail.onclose = () => this.list.element.focus();
    this.elements = [h("div.split", {},
      h("div.pane", {},
        h("div.bar", {}, this.search, this.operation, this.status, this.only, this.pause,
          h("button", { type: "button", onclick: () => this.clear() }, "Clear")),
        this.summary,
        this.list.element),
      this.detail.element)];
    this.later = debounced(() => this.draw(true), 30);
  }

  contract({ operations }) {
    offer(this.operation, [...operations.map((name) => [name, name]), ["none", "No operation"]]);
  }

  start() {
    this.restarted();
    this.detail.clear();
  }

  restarted() {
    this.entries = [];
    this.held = [];
    this.draw();
  }

  shown(values) {
    if (values.has("search")) this.search.value = values.get("search");
    this.draw();
  }

  event(name, data) {
    if (name === "exchange") {
      data.text = [data.path, data.query, data.clause, data.key, data.session?.id, data.session?.externalId, data.close?.reason, data.client].filter(Boolean).join(" ").toLowerCase();
      if (this.isHeld) this.held.push(data);
      else this.add([data]);
    } else if (name === "cleared") {
      this.entries = this.entries.filter((entry) => entry.journal !== data.journal);
    } else if (name !== "environment") {
      return;
    }
    this.later();
  }

  add(entries) {
    // Two journals come one after the other; those of the same moment stay as they came.
    this.entries = [...entries.reverse(), ...this.entries].slice(0, KEPT);
    if (this.entries.length > 1 && this.entries[0].at < this.entries[1].at) {
      this.entries.sort((one, other) => (one.at < other.at ? 1 : one.at > other.at ? -1 : 0));
    }
  }

  hold() {
    this.isHeld = !this.isHeld;
    this.pause.textContent = this.isHeld ? "Resume" : "Pause";
    this.pause.setAttribute("aria-pressed", String(this.isHeld));
    if (!this.isHeld) this.add(this.held.splice(0));
    this.draw();
  }

  async clear() {
    await attempt(() => api.delete(of(this.page.environment.id, "journal")));
  }

  draw(kept = false) {
    const text = this.search.value.toLowerCase();
    const found = this.entries.filter((entry) =>
      (!text || entry.text.includes(text))
      && (!this.operation.value || (entry.operation ?? "none") === this.operation.value)
      && (!this.status.value || String(entry.status)[0] === this.status.value)
      && (!this.only.value || (Array.isArray(entry[this.only.value]) ? entry[this.only.value].length : entry[this.only.value])));
    this.list.emptyText = this.entries.length ? "No matching requests" : "No requests yet.";
    this.list.show(found, { kept });
    const own = this.entries.filter((entry) => entry.journal === "environment").length;
    const total = Math.max(own, this.page.environment?.exchanges ?? 0);
    const parts = [`${own} of ${total} exchanges listed`];
    if (this.entries.length > own) parts.push(`${this.entries.length - own} with an unknown key`);
    if (found.length < this.entries.length) parts.push(`${found.length} match`);
    if (this.isHeld) parts.push(`paused, ${this.held.length} waiting`);
    this.summary.textContent = parts.join("; ");
  }

  async open(entry) {
    const { page } = this;
    const number = String(entry.number);
    const path = entry.journal === "unknown-callers" ? `journal/${number}` : of(page.environment.id, "journal", number);
    const whole = await attempt(() => api.get(path));
    if (!whole || this.list.selected !== keyOf(entry)) return;
    const line = curl(whole, location.origin);
    const headers = whole.request.headers.map(([name, value]) => `${name}: ${value}`).join("\n");
    this.detail.open(
      `${whole.method} ${whole.path}`,
      h("p.row", {},
        badge(String(whole.status), statusTone(whole.status)),
        h("span.quiet", {}, `number ${whole.number}, ${whole.at}`),
        h("button", { type: "button", onclick: () => copy(line) }, "Copy as curl"),
        whole.session && h("button", { type: "button", onclick: () => page.go("sessions", { id: whole.session.id }) }, "Show the session")),
      entry.journal === "unknown-callers" && h("p.card.refused", {}, "The key of this request belongs to no environment of this mock, or it has no key."),
      whole.close && h("dl", {},
        h("dt", {}, "session"), h("dd.mono", {}, whole.session.externalId ?? whole.session.id),
        h("dt", {}, "close"), h("dd", {}, whole.close.first ? "the first one" : "a repeat; the row stays as it was"),
        h("dt", {}, "reason"), h("dd", {}, whole.close.reason ?? "none given"),
        h("dt", {}, "closed at"), h("dd", {}, whole.close.closedAt ?? "not closed"),
        h("dt", {}, "client"), h("dd", {}, whole.client ?? "no User-Agent")),
      whole.clause && h("div.card.refused", {}, h("strong", {}, whole.clause), h("br"), whole.statement ?? "A point on which the sources disagree."),
      whole.faults.length > 0 && h("p.card.refused", {}, `Faults: ${whole.faults.join(", ")}`),
      whole.differs && h("p.card.differs", {},
        h("strong", {}, "Differs in production. "),
        `The ${whole.differs.dialect} dialect answers ${whole.differs.status}`,
        whole.differs.status === whole.status ? " too, with another body." : whole.differs.clause ? ` (${whole.differs.clause}).` : "."),
      h("h3", {}, "Answer"), h("p.quiet", {}, whole.answer.contentType), h("pre", { tabindex: "0", "aria-label": "Answer" }, pretty(whole.answer.body) || "no body"),
      h("h3", {}, "Request"),
      whole.query && h("p", {}, "Query ", h("code", {}, whole.query)),
      h("pre", { tabindex: "0", "aria-label": "Request body" }, pretty(whole.request.body) || "no body"),
      h("pre", { tabindex: "0", "aria-label": "Request headers" }, headers),
      h("h3", {}, "As curl"), h("pre", { tabindex: "0", "aria-label": "As curl" }, line),
    );
  }
}

function keyOf(entry) {
  return `${entry.journal} ${entry.number} ${entry.at}`;
}

function cells(entry) {
  const path = entry.query ? `${entry.path}?${entry.query}` : entry.path;
  const target = entry.session?.externalId ?? entry.session?.id ?? entry.key ?? "";
  return [
    h("span.time.mono.quiet", {}, timeOfDay(entry.at)),
    h("span.status", {}, badge(String(entry.status), statusTone(entry.status))),
    h("span.request.mono", { title: `${entry.method} ${path}` }, entry.operation ?? `${entry.method} ${path}`),
    h("span.target.mono", { title: entry.session ? entry.session.id : target }, target || h("span.quiet", {}, "none")),
    h("span.outcome", {}, outcome(entry)),
    h("span.client.quiet", { title: entry.client ?? "" }, entry.client ?? "no name"),
  ];
}

/** What became of a request, in a word or two. */
function outcome(entry) {
  const reason = entry.close && (entry.close.reason === null ? h("span.quiet", {}, "no reason") : h("span", { title: entry.close.reason }, entry.close.reason));
  return [
    entry.close && badge(entry.close.first ? "closed" : "closed before", entry.close.first ? "good" : "warn"), reason,
    entry.journal === "unknown-callers" ? badge("unknown key", "bad") : entry.clause && badge(entry.clause, "warn"),
    entry.faults.length > 0 && badge(entry.faults.length === 1 ? entry.faults[0] : `${entry.faults.length} faults`, "bad"),
    entry.differs && h("span.badge.info", { title: "The other dialect answers differently" }, "differs"),
  ].filter(Boolean).flatMap((part) => [part, " "]);
}
