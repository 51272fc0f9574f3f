// An exchange as a curl line. The key is a variable: a line that is pasted somewhere gives no key away.

export function quoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

const LEFT_OUT = ["host", "content-length", "user-agent", "accept-encoding", "connection", "accept", "transfer-encoding"];

export function curl(exchange, origin) {
  const target = `${origin}${exchange.path}${exchange.query ? `?${exchange.query}` : ""}`;
  const parts = ["curl", "-X", exchange.method, "--path-as-is", "--globoff", quoted(target)];
  for (const [name, value] of exchange.request.headers) {
    if (LEFT_OUT.includes(name)) continue;
    if (name === "authorization" && /^bearer /i.test(value)) parts.push("-H", '"Authorization: Bearer $TRIGGER_SECRET_KEY"');
    else parts.push("-H", quoted(`${name}: ${value}`));
  }
  if (exchange.request.body) parts.push("--data-raw", quoted(exchange.request.body));
  return parts.join(" ");
}
