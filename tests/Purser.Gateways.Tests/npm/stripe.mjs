// Speaks to a Stripe with the official client: node stripe.mjs '{"url", "control", ...}'. Prints one JSON line.
import Stripe from "stripe";
import { payAndListen } from "./control.mjs";

const { url, control, secret_key, webhook_secret } = JSON.parse(process.argv[2]);
const { hostname, port } = new URL(url);
const client = new Stripe(secret_key, { host: hostname, port, protocol: "http", maxNetworkRetries: 0, telemetry: false });

const asked = {
  mode: "payment", client_reference_id: "sdk-1", metadata: { attempt_id: "sdk-1" },
  payment_intent_data: { metadata: { attempt_id: "sdk-1" } },
  line_items: [{ quantity: 1, price_data: { currency: "eur", unit_amount: 1999, product_data: { name: "Order – 42" } } }],
  success_url: "https://shop.example.test/back?session_id={CHECKOUT_SESSION_ID}", cancel_url: "https://shop.example.test/away",
  expires_at: Math.floor(Date.now() / 1000) + 3600,
};
const key = { idempotencyKey: "sdk-1-create" };
const created = await client.checkout.sessions.create(asked, key);
const replayed = await client.checkout.sessions.create(asked, key);
const mismatch = await client.checkout.sessions.create({ ...asked, client_reference_id: "sdk-x" }, key).catch((e) => e);
const { result, deliveries } = await payAndListen(control, "stripe", "sdk-1", "paid", webhook_secret, 3);
const paid = await client.checkout.sessions.retrieve(created.id, { expand: ["payment_intent.latest_charge"] });
const listed = await client.checkout.sessions.list({ created: { gte: created.created - 5 }, limit: 10, expand: ["data.payment_intent"] });
const give = { payment_intent: paid.payment_intent.id, amount: 500, reason: "requested_by_customer", metadata: { refund_id: "sdk-r1" } };
const refund = await client.refunds.create(give, { idempotencyKey: "sdk-r1" });
const refundAgain = await client.refunds.create(give, { idempotencyKey: "sdk-r1" });
const refundMismatch = await client.refunds.create({ ...give, amount: 600 }, { idempotencyKey: "sdk-r1" }).catch((e) => e);
const tooMuch = await client.refunds.create({ payment_intent: paid.payment_intent.id, amount: 1500 }).catch((e) => e);
const refundRead = await client.refunds.retrieve(refund.id);
const noCancel = await client.refunds.cancel(refund.id).catch((e) => e);
const rest = await client.refunds.create({ charge: paid.payment_intent.latest_charge.id });
const allBack = await client.refunds.create({ payment_intent: paid.payment_intent.id }).catch((e) => e);
const refunds = [];
for await (const one of client.refunds.list({ payment_intent: paid.payment_intent.id, limit: 1 })) refunds.push(one.metadata.refund_id ?? null);
const charge = await client.charges.retrieve(refund.charge);
const payouts = await client.payouts.list({ arrival_date: { gte: Math.floor(Date.now() / 86_400_000) * 86_400 } });
const rows = [];
for await (const row of client.balanceTransactions.list({ payout: payouts.data[0].id, limit: 2, expand: ["data.source"] })) rows.push(row);
const run = await client.reporting.reportRuns.create({
  report_type: "payout_reconciliation.itemized.5", parameters: { interval_start: created.created - 60, interval_end: created.created + 3600, columns: ["net", "source_id"] },
});
const other = await client.checkout.sessions.create({ ...asked, client_reference_id: "sdk-2" });
const expired = await client.checkout.sessions.expire(other.id);
const again = await client.checkout.sessions.expire(other.id).catch((e) => e);
const wrongKey = await new Stripe("sk_test_other", { host: hostname, port, protocol: "http", maxNetworkRetries: 0 })
  .checkout.sessions.retrieve(created.id).catch((e) => e);
const checked = (d, body) => {
  try {
    return client.webhooks.constructEvent(body, d.headers["stripe-signature"], webhook_secret).type;
  } catch (e) {
    return e.type;
  }
};

console.log(JSON.stringify({
  created: created.status, intent_at_first: created.payment_intent, replayed: replayed.id === created.id,
  replay_header: replayed.lastResponse.headers["idempotent-replayed"], mismatch: mismatch.type,
  return_url: result.return_url === `https://shop.example.test/back?session_id=${created.id}`,
  paid: paid.status, payment_status: paid.payment_status, intent: paid.payment_intent.status,
  charge: paid.payment_intent.latest_charge.status, metadata: paid.payment_intent.metadata.attempt_id,
  listed: listed.data.some((s) => s.id === created.id && s.payment_intent?.status === "succeeded"),
  refund: refund.status, refund_again: refundAgain.id === refund.id, refund_mismatch: refundMismatch.type, too_much: tooMuch.type,
  refund_read: refundRead.metadata.refund_id, no_cancel: noCancel.statusCode, rest: rest.amount, all_back: allBack.code, refunds, refunded: charge.refunded,
  rows: rows.map((r) => r.reporting_category), settled: rows.reduce((sum, r) => sum + r.net, 0), source: rows.at(-1).source.payment_intent === paid.payment_intent.id,
  payout: payouts.data[0].amount === -rows.find((r) => r.type === "payout").amount, run: run.status, expired: expired.status, again: again.statusCode, wrong_key: wrongKey.type,
  events: deliveries.map((d) => checked(d, d.body)).sort(), tampered: checked(deliveries[0], deliveries[0].body.replace(/1999/g, "1")),
}));
