// The sessions with their state; to create, close and read them.

import { api, of, query } from "./api.js";
import { Detail } from "./detail.js";
import { ask, attempt, badge, choice, copy, debounced, field, h, notice } from "./dom.js";
import { List } from "./list.js";

const PAGE = 500;
const TONES = { ACTIVE: "good", CLOSED: "", EXPIRED: "warn" };
// Class and head of each column.
const COLUMNS = [["status", "State"], ["external", "Session"], ["closed-at", "Closed at"], ["reason", "Reason"], ["type", "Type"], ["created", "Created at"]];
const NAMES = { ACTIVE: "open", CLOSED: "closed", EXPIRED: "expired" };

export class SessionsView {
  constructor(page) {
    this.page = page;
    this.rows = [];
    this.next = null;
    this.total = 0;
    this.round = 0;
    this.touched = new Set();
    const again = debounced(() => this.load(), 200);
    this.search = h("input", { type: "search", placeholder: "Id or externalId", "aria-label": "Search sessions", oninput: again });
    this.status = choice([["", "All states"], ["ACTIVE", "open"], ["CLOSED", "closed"], ["EXPIRED", "expired"]],
      { "aria-label": "State", onchange: () => this.load() });
    this.type = h("input", { placeholder: "Type", "aria-label": "Type", size: "10", oninput: again });
    this.tag = h("input", { placeholder: "Tag", "aria-label": "Tag", size: "10", oninput: again });
    this.summary = h("div.summary", { role: "status" });
    this.list = new List({
      label: "Sessions, newest first", kind: "session", empty: "No matching sessions",
      key: (row) => row.id, columns: COLUMNS, cells, open: (row) => this.open(row.id), more: () => this.more(),
    });
    this.detail = new Detail("Choose a session to see and close it.");
    this.detail.onclose = () => this.list.element.focus();
    this.elements = [h("div.split", {},
      h("div.pane", {},
        h("div.bar", {}, this.search, this.status, this.type, this.tag,
          h("button.primary", { type: "button", onclick: () => this.make() }, "New session")),
        this.summary,
        this.list.element),
      this.detail.element)];
    this.refresh = debounced(() => this.update(), 250);
  }

  contract({ bodies }) {
    this.reasonLimit = bodies.closeSession?.properties?.reason?.maxLength;
  }

  start() {
    this.detail.clear();
    this.load();
  }

  shown(values) {
    if (values.has("id")) this.open(values.get("id"));
    this.list.draw();
  }

  event(name, data) {
    if (name === "exchange") {
      if (data.session && data.method !== "GET" && data.status < 300) this.touched.add(data.session.id);
      else return;
    } else if (name === "environment") {
      if (data.sessions !== this.total) this.isStale = true;
      const clock = JSON.stringify([data.clock.frozen, data.clock.now.slice(0, 16)]);
      if (clock !== this.clock) this.isStale = true;
      this.clock = clock;
    } else {
      return;
    }
    this.refresh();
  }

  wanted() {
    return { search: this.search.value, status: this.status.value, type: this.type.value, tag: this.tag.value };
  }

  /** The first page, as it is now. */
  async load() {
    this.round += 1;
    const { round } = this;
    this.touched.clear();
    this.isStale = false;
    const found = await attempt(() => api.get(of(this.page.environment.id, "sessions") + query({ ...this.wanted(), limit: PAGE })));
    if (!found || round !== this.round) return;
    this.take(found.sessions, found);
  }

  async more() {
    if (!this.next || this.isLoading) return;
    this.isLoading = true;
    const { round } = this;
    const found = await attempt(() => api.get(of(this.page.environment.id, "sessions") + query({ ...this.wanted(), limit: PAGE, after: this.next })));
    this.isLoading = false;
    if (!found) this.next = null;
    else if (round === this.round) this.take([...this.rows, ...found.sessions], found);
  }

  take(rows, { next, total }) {
    this.rows = rows;
    this.next = next;
    this.total = total;
    this.draw();
  }

  draw(kept = false) {
    this.list.show(this.rows, { kept });
    this.summary.textContent = `${this.rows.length}${this.next ? " and more" : ""} of ${this.total} sessions`;
  }

  /** After a change: those that were touched are looked at again; all, where that is simpler. */
  async update() {
    const ids = [...this.touched];
    const isPlain = Object.values(this.wanted()).every((value) => value === "");
    const grown = this.page.environment.sessions - this.total;
    if (!isPlain || ids.length > 20 || (this.isStale && grown !== ids.filter((id) => !this.rows.some((row) => row.id === id)).length)) {
      await this.load();
    } else {
      this.touched.clear();
      this.isStale = false;
      const fresh = (await Promise.all(ids.map((id) => attempt(() => api.get(of(this.page.environment.id, "sessions", id)))))).filter(Boolean);
      for (const row of fresh) {
        const at = this.rows.findIndex((each) => each.id === row.id);
        if (at >= 0) this.rows = this.rows.with(at, row);
        else if (!this.rows.length || row.createdAt >= this.rows[0].createdAt) this.rows = [row, ...this.rows];
      }
      this.total = this.page.environment.sessions;
      this.draw(true);
    }
    if (this.opened) this.open(this.opened, true);
  }

  async open(id, isAgain = false) {
    if (isAgain && this.detail.element.contains(document.activeElement) && document.activeElement.matches("input, textarea")) return;
    const { page } = this;
    let row;
    try {
      row = await api.get(of(page.environment.id, "sessions", id));
    } catch (error) {
      if (!isAgain) notice(error.message, true);
      this.opened = null;
      this.detail.clear();
      return;
    }
    if (isAgain && this.opened !== id) return;
    if (isAgain && JSON.stringify(row) === this.openedRow) return;
    this.opened = id;
    this.openedRow = JSON.stringify(row);
    this.detail.onclose = () => { this.opened = null; this.list.element.focus(); };
    this.list.select(id);
    const { status, ...members } = row;
    this.detail.open(
      row.externalId ?? row.id,
      h("p.row", {},
        badge(NAMES[status], TONES[status]),
        h("button", { type: "button", onclick: () => copy(row.id) }, "Copy the id"),
        h("button", { type: "button", onclick: () => page.go("journal", { search: row.id }) }, "Its exchanges"),
        h("button", { type: "button", onclick: () => page.go("chats", { session: row.externalId ?? row.id }) }, "Its chat")),
      h("dl", {},
        h("dt", {}, "id"), h("dd.mono", {}, row.id),
        h("dt", {}, "externalId"), h("dd.mono", {}, row.externalId ?? "none"),
        h("dt", {}, "type, task"), h("dd", {}, `${row.type}, ${row.taskIdentifier}`),
        h("dt", {}, "tags"), h("dd", {}, row.tags.length ? row.tags.map((tag) => [badge(tag), " "]).flat() : "none"),
        h("dt", {}, "created"), h("dd", {}, row.createdAt),
        h("dt", {}, "expires"), h("dd", {}, row.expiresAt ?? "never"),
        h("dt", {}, "closed"), h("dd", {}, row.closedAt ?? "no"),
        row.closedAt && h("dt", {}, "reason"), row.closedAt && h("dd", {}, row.closedReason ?? "none given")),
      !row.closedAt && this.closing(row),
      h("h3", {}, "The row"), h("pre", { tabindex: "0", "aria-label": "The row" }, JSON.stringify(members, null, 2)),
    );
  }

  closing(row) {
    const reason = h("input", { maxlength: this.reasonLimit, placeholder: "Reason (optional)" });
    return h("form.card", { onsubmit: async (event) => {
      event.preventDefault();
      const body = reason.value ? { reason: reason.value } : {};
      const closed = await attempt(() => api.post(of(this.page.environment.id, "sessions", row.id, "close"), body));
      if (!closed) return;
      notice("Closed");
      reason.blur();
      this.touched.add(row.id);
      await this.update();
    } }, field("Close it with a reason", reason), h("div.row", {}, h("button.primary", { type: "submit" }, "Close the session")));
  }

  async make() {
    const external = h("input", { placeholder: "chat_1234" });
    const type = h("input", { value: "chat.agent", required: true });
    const task = h("input", { value: "my-chat", required: true });
    const tags = h("input", { placeholder: "one, two" });
    const expires = h("input", { placeholder: "2030-01-01T00:00:00Z" });
    const metadata = h("textarea", { rows: "3", placeholder: "{}" });
    const given = await ask("New session",
      [field("externalId", external), field("Type", type), field("Task identifier", task), field("Tags", tags), field("Expires at", expires), field("Metadata, as JSON", metadata)],
      "Create");
    if (!given) return;
    const made = await attempt(() => {
      const body = { type: type.value, taskIdentifier: task.value, triggerConfig: { basePayload: {} } };
      if (external.value) body.externalId = external.value;
      if (tags.value) body.tags = tags.value.split(",").map((tag) => tag.trim()).filter(Boolean);
      if (expires.value) body.expiresAt = expires.value;
      if (metadata.value) body.metadata = JSON.parse(metadata.value);
      return api.post(of(this.page.environment.id, "sessions"), body);
    });
    if (!made) return;
    notice(made.isCached ? "A session with that externalId exists" : "Created");
    await this.load();
    await this.open(made.id);
  }
}

function cells(row) {
  const reason = row.closedReason ?? (row.closedAt ? "none given" : "");
  return [
    h("span.status", {}, badge(NAMES[row.status], TONES[row.status])),
    h("span.external", { title: row.id }, row.externalId ?? h("span.mono", {}, row.id)),
    h("span.closed-at.mono", {}, row.closedAt ? moment(row.closedAt) : h("span.quiet", {}, "not closed")),
    h("span.reason", { title: reason, class: row.closedReason === null ? "reason quiet" : "reason" }, reason),
    h("span.type.quiet", {}, row.type),
    h("span.created.mono.quiet", {}, moment(row.createdAt)),
  ];
}

function moment(text) {
  return text.slice(0, 19).replace("T", " ");
}
