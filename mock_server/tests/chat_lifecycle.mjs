// A chat through the vendor's own client: transport, AgentChat, tokens, runs. Prints one JSON object: what was seen, by step.
// usage: node chat_lifecycle.mjs   (in a folder with @trigger.dev/sdk and ai; TRIGGER_API_URL and TRIGGER_SECRET_KEY set)
import { auth, runs, sessions } from "@trigger.dev/sdk";
import { chat } from "@trigger.dev/sdk/ai";
import { AgentChat, TriggerChatTransport } from "@trigger.dev/sdk/chat";

const baseURL = process.env.TRIGGER_API_URL;
const seen = {};
const user = (id, text) => ({ id, role: "user", parts: [{ type: "text", text }] });
const start = chat.createStartSessionAction("my-chat");
const tokenFor = (chatId) => auth.createPublicToken({ scopes: { read: { sessions: chatId }, write: { sessions: chatId } } });

async function step(name, act) {
  try {
    seen[name] = { value: await act() };
  } catch (error) {
    seen[name] = { error: error.name, status: error.status, message: error.message, code: error.code, closedReason: error.closedReason };
  }
  return seen[name].value;
}

async function textOf(stream) {
  let text = "";
  for await (const chunk of stream) if (chunk.type === "text-delta") text += chunk.delta;
  return text;
}

// What the transport asked, what it reported, and how often it fetched a token.
function listen(more = {}) {
  const heard = { requests: [], events: [], tokens: 0 };
  const transport = new TriggerChatTransport({
    task: "my-chat",
    baseURL,
    accessToken: ({ chatId }) => (heard.tokens++, tokenFor(chatId)),
    startSession: ({ chatId }) => start({ chatId }),
    onEvent: (event) => heard.events.push(event.type),
    fetch: (url, init) => {
      heard.requests.push(`${init.method ?? "GET"} ${new URL(url).pathname.split("/").slice(5).join("/")}`);
      return fetch(url, init);
    },
    ...more,
  });
  return { transport, heard };
}

const send = (transport, chatId, id, text, abortSignal) =>
  transport.sendMessages({ trigger: "submit-message", chatId, messageId: id, messages: [user(id, text)], abortSignal });

const { transport, heard } = listen();
await step("first turn", async () => textOf(await send(transport, "chat_1", "m1", "hi")));
await step("second turn", async () => textOf(await send(transport, "chat_1", "m2", "again")));

await step("page reload", async () => {
  const state = transport.getSession("chat_1");
  const settled = listen({ sessions: { chat_1: { ...state, isStreaming: true } } });
  const resumed = await settled.transport.reconnectToStream({ chatId: "chat_1" });
  const rest = resumed === null ? "" : await textOf(resumed);
  return [rest, await textOf(await send(settled.transport, "chat_1", "m3", "after reload"))];
});

await step("stop", async () => {
  const slow = listen();
  const stream = await send(slow.transport, "chat_slow", "s1", "slow please");
  const reader = stream.getReader();
  const first = (await reader.read()).value.type;
  const stopped = await slow.transport.stopGeneration("chat_slow");
  while (!(await reader.read()).done);
  return [first, stopped, await textOf(await send(slow.transport, "chat_slow", "s2", "quick"))];
});

await step("token refresh", async () => {
  await start({ chatId: "chat_stale" });
  const stale = listen({ sessions: { chat_stale: { publicAccessToken: "a.stale.token" } } });
  return [await textOf(await send(stale.transport, "chat_stale", "t1", "fresh")), stale.heard.tokens];
});

await step("a token of one session does not read another", () =>
  tokenFor("chat_1").then((token) => auth.withAuth({ accessToken: token }, () => sessions.retrieve("chat_stale"))));
await step("tokenTTL", async () => {
  const { publicAccessToken } = await chat.createStartSessionAction("my-chat", { tokenTTL: "2h" })({ chatId: "chat_ttl" });
  const { exp, iat } = JSON.parse(Buffer.from(publicAccessToken.split(".")[1], "base64url"));
  return exp - iat;
});
await step("run", async () => {
  const { currentRunId } = await sessions.retrieve("chat_1");
  const run = await runs.retrieve(currentRunId);
  return [run.id === currentRunId, run.status, run.taskIdentifier];
});
await step("AgentChat", async () => (await new AgentChat({ agent: "my-chat", id: "chat_agent" }).sendMessage("hello")).text());
await step("in.send", () =>
  sessions.open("chat_agent").in.send({ kind: "message", payload: { chatId: "chat_agent", trigger: "submit-message", message: user("d1", "direct") } }).then(() => "sent"));
await step("out.read", async () => {
  let text = "";
  const stream = await sessions.open("chat_agent").out.read({ timeoutInSeconds: 1 });
  for await (const chunk of stream) if (chunk?.type === "text-delta") text += `${chunk.delta};`;
  return text;
});

heard.requests.length = 0;
await step("close", async () => (await sessions.close("chat_1", { reason: "user signed out" })).closedReason);
await step("send after close", async () => textOf(await send(transport, "chat_1", "m4", "still there?")));
await step("send once more", async () => textOf(await send(transport, "chat_1", "m5", "hello?")));
seen["after close"] = { value: [heard.requests, heard.events.slice(-2)] };
console.log(JSON.stringify(seen));
process.exit(0);
