// A table of any length: only the rows that can be seen are in the page. Arrow keys move, Enter opens.

import { h } from "./dom.js";

let lists = 0;

export class List {
  /**
   * @param {{ label: string, empty: string, kind: string, key: (item: any) => string, columns: [string, string][],
   *           cells: (item: any) => HTMLElement[], open: (item: any) => void, more?: () => void }} options
   *   `columns` are class and head of each cell.
   */
  constructor(options) {
    this.options = options;
    this.items = [];
    this.selected = null;
    this.name = `list${(lists += 1)}`;
    this.narrow = matchMedia("(max-width: 40rem)");
    this.spacer = h("div.spacer", { role: "rowgroup" });
    this.heads = h(`div.heads.${options.kind}`, { role: "row", "aria-rowindex": "1" },
      options.columns.map(([name, head]) => h(`span.${name}`, { role: "columnheader" }, head)));
    this.element = h("div.list", {
      role: "grid", tabindex: "0", "aria-label": options.label, "aria-readonly": "true",
      onscroll: () => this.draw(), onkeydown: (event) => this.key(event),
    }, this.heads, this.spacer);
    this.empty = h("div.empty", { role: "row" }, h("span", { role: "gridcell" }, options.empty));
    this.drawn = new Map();
    this.resized = new ResizeObserver(() => this.draw());
    this.resized.observe(this.element);
  }

  get rowHeight() {
    return this.narrow.matches ? 58 : 34;
  }

  get emptyText() {
    return this.empty.textContent;
  }

  set emptyText(text) {
    this.empty.firstChild.textContent = text;
  }

  /** Show these items; `kept` keeps what is seen in place where rows came in above. */
  show(items, { kept = false } = {}) {
    const before = this.items;
    this.items = items;
    if (kept && this.element.scrollTop > 0 && before.length && items.length > before.length) {
      const first = this.options.key(before[0]);
      const moved = items.findIndex((item) => this.options.key(item) === first);
      if (moved > 0) this.element.scrollTop += moved * this.rowHeight;
    }
    this.draw();
  }

  select(key) {
    this.selected = key;
    this.draw();
  }

  index() {
    return this.items.findIndex((item) => this.options.key(item) === this.selected);
  }

  key(event) {
    const page = Math.max(1, Math.floor((this.element.clientHeight - this.heads.offsetHeight) / this.rowHeight) - 1);
    const at = this.index();
    const moves = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + page, PageUp: at - page, Home: 0, End: this.items.length - 1 };
    if (event.key in moves && this.items.length) {
      event.preventDefault();
      this.move(Math.min(Math.max(moves[event.key], 0), this.items.length - 1));
    } else if ((event.key === "Enter" || event.key === " ") && at >= 0) {
      event.preventDefault();
      this.options.open(this.items[at]);
    }
  }

  move(index) {
    const { element, rowHeight } = this;
    const top = index * rowHeight;
    if (top < element.scrollTop) element.scrollTop = top;
    const room = element.clientHeight - this.heads.offsetHeight;
    if (top + rowHeight > element.scrollTop + room) element.scrollTop = top + rowHeight - room;
    this.select(this.options.key(this.items[index]));
    if (!matchMedia("(max-width: 60rem)").matches) this.options.open(this.items[index]);
  }

  draw() {
    const { element, items, options, rowHeight } = this;
    element.setAttribute("aria-rowcount", items.length + 1);
    this.spacer.style.height = `${items.length * rowHeight}px`;
    if (items.length === 0) element.append(this.empty);
    else this.empty.remove();
    const first = Math.max(0, Math.floor(element.scrollTop / rowHeight) - 8);
    const last = Math.min(items.length, Math.ceil((element.scrollTop + element.clientHeight) / rowHeight) + 8);
    const seen = new Map();
    for (let index = first; index < last; index += 1) {
      const item = items[index];
      const key = options.key(item);
      let row = this.drawn.get(key);
      // A row that says the same stays: it may be in the middle of being clicked.
      if (!row || (row.item !== item && JSON.stringify(row.item) !== JSON.stringify(item))) {
        row?.element.remove();
        row = { element: this.row(item, key) };
        this.spacer.append(row.element);
      }
      row.item = item;
      row.element.setAttribute("aria-selected", String(key === this.selected));
      row.element.style.transform = `translateY(${index * rowHeight}px)`;
      row.element.style.height = `${rowHeight}px`;
      row.element.setAttribute("aria-rowindex", index + 2);
      seen.set(key, row);
    }
    for (const [key, row] of this.drawn) if (!seen.has(key)) row.element.remove();
    this.drawn = seen;
    const active = seen.get(this.selected);
    if (active) element.setAttribute("aria-activedescendant", active.element.id);
    else element.removeAttribute("aria-activedescendant");
    if (last > items.length - 40) options.more?.();
  }

  row(item, key) {
    return h(`div.item.${this.options.kind}`, {
      role: "row", id: `${this.name}-${encodeURIComponent(key)}`,
      onclick: () => { this.select(key); this.options.open(this.drawn.get(key)?.item ?? item); },
    }, this.options.cells(item).map((cell) => {
      cell.setAttribute("role", "gridcell");
      return cell;
    }));
  }
}
