// Elements from values. Text is only ever set as text: nothing that comes from a server becomes markup.

/** h("button.primary", { type: "button", onclick }, "Close") */
export function h(name, attributes = {}, ...children) {
  const [tag, ...classes] = name.split(".");
  const element = document.createElement(tag);
  element.classList.add(...classes);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value === true) element.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(key, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export function badge(text, tone = "") {
  return h("span.badge", { class: `badge ${tone}` }, text);
}

/** A field with its name above it. */
export function field(name, control) {
  return h("label", {}, name, control);
}

export function choice(options, attributes = {}) {
  return h("select", attributes, options.map(([value, text]) => h("option", { value }, text)));
}

/** Put the options of a choice in place, after the first one; what was chosen stays chosen. */
export function offer(select, options) {
  const { value } = select;
  select.replaceChildren(select.firstElementChild, ...options.map(([name, text]) => h("option", { value: name }, text)));
  select.value = value;
}

export function statusTone(status) {
  if (status < 300) return "good";
  return status < 500 ? "warn" : "bad";
}

/** The time of day of an RFC 3339 moment, as it was sent: in UTC. */
export function timeOfDay(moment) {
  return moment.slice(11, 23);
}

/** JSON made readable; anything else as it is. */
export function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

export function notice(text, isBad = false) {
  const line = h("p", { role: isBad ? "alert" : null, class: isBad ? "bad" : "" }, text);
  document.querySelector("#notices").append(line);
  setTimeout(() => line.remove(), isBad ? 8000 : 4000);
}

/** Do something; where it fails, show the error and return null. */
export async function attempt(act) {
  try {
    return await act();
  } catch (error) {
    notice(error.message, true);
    return null;
  }
}

export async function copy(text) {
  if (navigator.clipboard && window.isSecureContext) {
    await navigator.clipboard.writeText(text);
  } else {
    const area = h("textarea", { "aria-hidden": "true" });
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  notice("Copied");
}

/** Ask in a dialog; `fields` are inside its form. Resolves to whether it was confirmed. */
export function ask(title, fields, yes, { danger = false } = {}) {
  return new Promise((resolve) => {
    const dialog = h("dialog", { "aria-label": title, onclose: () => {
      resolve(dialog.returnValue === "yes");
      dialog.remove();
    } });
    dialog.append(
      h("form", { method: "dialog" },
        h("h2", {}, title),
        fields,
        h("div.row", {},
          h(danger ? "button.danger" : "button.primary", { value: "yes" }, yes),
          h("button", { value: "no", formnovalidate: true, type: "submit" }, "Cancel"))),
    );
    document.body.append(dialog);
    dialog.showModal();
  });
}

export function debounced(act, milliseconds) {
  let timer = null;
  return (...values) => {
    clearTimeout(timer);
    timer = setTimeout(() => act(...values), milliseconds);
  };
}
