// Speaks to a PayPal with the official client: node paypal.mjs '{"url", "control", "order", ...}'. Prints one JSON line.
import http from "node:http";
import { CheckoutPaymentIntent, Client, Environment, OrdersController, PaymentsController, TransactionSearchController } from "@paypal/paypal-server-sdk";

const { url, control, client_id, client_secret, order: theirs } = JSON.parse(process.argv[2]);
const { hostname, port } = new URL(url);
const asked = [];
// The client knows two hosts only, so its requests are led here on their way out.
const transport = {
  request: (options, answer) => {
    asked.push(`${options.method} ${options.path} ${options.hostname}`);
    return http.request({ ...options, protocol: "http:", hostname, host: hostname, port, agent: undefined, agents: undefined }, answer);
  },
};
const speak = (secret) => new Client({
  clientCredentialsAuthCredentials: { oAuthClientId: client_id, oAuthClientSecret: secret },
  environment: Environment.Sandbox, timeout: 20_000, unstable_httpClientOptions: { transport, proxy: false },
});
const client = speak(client_secret);
const [orders, payments, search] = [new OrdersController(client), new PaymentsController(client), new TransactionSearchController(client)];

const request = {
  prefer: "return=representation", paypalRequestId: "sdk-1-create",
  body: {
    intent: CheckoutPaymentIntent.Capture,
    purchaseUnits: [{ referenceId: "sdk-1", customId: "sdk-1", invoiceId: "sdk-1", amount: { currencyCode: "EUR", value: "19.99" } }],
    paymentSource: { paypal: { experienceContext: { returnUrl: "https://shop.example.test/back?a=1", cancelUrl: "https://shop.example.test/away" } } },
  },
};
const created = (await orders.createOrder(request)).result;
const repeated = (await orders.createOrder(request)).result;
const early = await orders.captureOrder({ id: created.id }).catch((e) => e);
const paid = await (await fetch(`${control}/control/paypal/payments`, {
  method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ reference: "sdk-1", outcome: "paid" }),
})).json();
const approved = (await orders.getOrder({ id: created.id })).result;
const capture = { id: created.id, prefer: "return=representation", paypalRequestId: "sdk-1-capture" };
const captured = (await orders.captureOrder(capture)).result;
const again = (await orders.captureOrder(capture)).result;
const other = await orders.captureOrder({ ...capture, paypalRequestId: "sdk-1-other" }).catch((e) => e);
const money = captured.purchaseUnits[0].payments.captures[0];
const refund = (await payments.refundCapturedPayment({
  captureId: money.id, prefer: "return=representation", paypalRequestId: "sdk-1-refund", body: { amount: { currencyCode: "EUR", value: "5.00" }, customId: "sdk-1-refund" },
})).result;
const refundRead = (await payments.getRefund({ refundId: refund.id })).result;
const day = new Date().toISOString().slice(0, 10);
const found = (await search.searchTransactions({ startDate: `${day}T00:00:00Z`, endDate: `${day}T23:59:59Z`, fields: "transaction_info" })).result;
const stranger = await new OrdersController(speak("other")).getOrder({ id: created.id }).catch((e) => e);
// An order that our own adapter made, captured and refunded.
const ours = (await orders.getOrder({ id: theirs })).result;

console.log(JSON.stringify({
  created: created.status, link: created.links.some((l) => l.rel === "payer-action" && l.href.includes(created.id)), repeated: repeated.id === created.id,
  early: early.result?.details?.[0]?.issue, approved: approved.status, return_url: paid.return_url?.startsWith(`https://shop.example.test/back?a=1&token=${created.id}&PayerID=`),
  captured: money.status, amount: money.amount.value, again: again.purchaseUnits[0].payments.captures[0].id === money.id, other: other.result?.details?.[0]?.issue,
  refund: refund.status, refund_read: refundRead.amount.value, found: found.transactionDetails.map((t) => t.transactionInfo.transactionEventCode).sort(),
  stranger: stranger.message?.includes("invalid_client") || stranger.statusCode === 401 || String(stranger).includes("OAuth"),
  ours: { status: ours.status, custom_id: ours.purchaseUnits[0].customId, capture: ours.purchaseUnits[0].payments.captures[0].status,
    refund: ours.purchaseUnits[0].payments.refunds?.[0]?.customId },
  hosts: [...new Set(asked.map((a) => a.split(" ")[2]))],
}));
