// The shopper's side, over the control API, with an ear for the webhooks that follow.
import { createServer } from "node:http";

const patienceMs = 20_000;

export async function payAndListen(control, gateway, reference, outcome, secret, expected) {
  const deliveries = [];
  let heard;
  const all = new Promise((resolve, reject) => {
    heard = resolve;
    setTimeout(() => reject(new Error(`only ${deliveries.length} webhooks came`)), patienceMs).unref();
  });
  const server = createServer((request, response) => {
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      deliveries.push({ headers: request.headers, body: Buffer.concat(chunks).toString("utf8") });
      response.end();
      if (deliveries.length === expected) heard();
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    await put(`${control}/control/${gateway}/webhook_endpoint`, { url: `http://127.0.0.1:${server.address().port}/`, secrets: [secret] });
    const answer = await send("POST", `${control}/control/${gateway}/payments`, { reference, outcome });
    await all;
    return { result: await answer.json(), deliveries };
  } finally {
    await put(`${control}/control/${gateway}/webhook_endpoint`, { url: null });
    server.close();
    server.closeAllConnections();
  }
}

const put = (url, body) => send("PUT", url, body);

async function send(method, url, body) {
  const answer = await fetch(url, { method, headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${method} ${url}: ${answer.status} ${await answer.text()}`);
  return answer;
}
