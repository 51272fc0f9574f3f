// What is open beside a list; over it, where the window is narrow.

import { h } from "./dom.js";

export class Detail {
  constructor(hint) {
    this.hint = hint;
    this.element = h("section.detail.closed", { "aria-label": "Details", tabindex: "0", onkeydown: (event) => {
      if (event.key === "Escape") this.close();
    } });
    this.onclose = () => {};
    this.clear();
  }

  clear() {
    this.element.classList.add("closed");
    this.element.replaceChildren(h("p.quiet", {}, this.hint));
  }

  close() {
    this.clear();
    this.onclose();
  }

  open(title, ...content) {
    this.element.classList.remove("closed");
    this.element.replaceChildren(
      h("div.head", {}, h("h2", {}, title), h("button.close", { type: "button", onclick: () => this.close() }, "Back")),
      ...content.flat().filter(Boolean),
    );
    this.element.scrollTop = 0;
    if (matchMedia("(max-width: 60rem)").matches) this.element.querySelector(".close").focus();
  }
}
