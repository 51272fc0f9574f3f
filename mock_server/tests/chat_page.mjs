// A page with the transport of `useTriggerChatTransport`; the test puts `window.given` before it and calls `window.chat`.
import { createElement, useEffect } from "react";
import { createRoot } from "react-dom/client";
import { useTriggerChatTransport } from "@trigger.dev/sdk/chat/react";

const { baseURL, tokens } = window.given;
const events = [];

async function textOf(stream) {
  let text = "";
  const reader = stream.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    if (next.value.type === "text-delta") text += next.value.delta;
  }
  return text;
}

function Page() {
  const transport = useTriggerChatTransport({
    task: "my-chat",
    baseURL,
    accessToken: async () => tokens.fresh,
    sessions: { chat_1: { publicAccessToken: tokens.first } },
    onEvent: (event) => events.push(event.type),
  });
  useEffect(() => {
    window.chat = async (id, text) => {
      try {
        const messages = [{ id, role: "user", parts: [{ type: "text", text }] }];
        const stream = await transport.sendMessages({ trigger: "submit-message", chatId: "chat_1", messageId: id, messages });
        return { text: await textOf(stream), events };
      } catch (error) {
        return { status: error.status, closedReason: error.closedReason, message: error.message, events };
      }
    };
  }, [transport]);
  return createElement("p", null, "ready");
}

createRoot(document.getElementById("root")).render(createElement(Page));
