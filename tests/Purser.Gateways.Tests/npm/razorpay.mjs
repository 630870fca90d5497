// Speaks to a Razorpay with the official client: node razorpay.mjs '{"url", "control", ...}'. Prints one JSON line.
import Razorpay from "razorpay";
import { validatePaymentVerification } from "razorpay/dist/utils/razorpay-utils.js";
import { payAndListen } from "./control.mjs";

const { url, control, key_id, key_secret, webhook_secret } = JSON.parse(process.argv[2]);
const client = new Razorpay({ key_id, key_secret });
client.api.rq.defaults.baseURL = url;

const asked = {
  amount: 49900, currency: "INR", reference_id: "sdk-1", description: "Chèque ₹499",
  notify: { sms: false, email: false }, expire_by: Math.floor(Date.now() / 1000) + 3600,
  callback_url: "https://shop.example.test/back?a=1", callback_method: "get", notes: { attempt: "one" },
};
const created = await client.paymentLink.create(asked);
const twice = await client.paymentLink.create(asked).catch((e) => e);
const read = await client.paymentLink.fetch(created.id);
const { result, deliveries } = await payAndListen(control, "razorpay", "sdk-1", "paid", webhook_secret, 4);
const paid = await client.paymentLink.fetch(created.id);
const payment = await client.payments.fetch(paid.payments[0].payment_id);
const back = new URL(result.return_url).searchParams;
const returned = validatePaymentVerification({
  payment_link_id: back.get("razorpay_payment_link_id"),
  payment_id: back.get("razorpay_payment_id"),
  payment_link_reference_id: back.get("razorpay_payment_link_reference_id"),
  payment_link_status: back.get("razorpay_payment_link_status"),
}, back.get("razorpay_signature"), key_secret);
const askedBack = { amount: 900, speed: "normal", receipt: "sdk-r1", notes: { reason: "sdk" } };
const refund = await client.payments.refund(payment.id, askedBack);
const refundRead = await client.refunds.fetch(refund.id);
const refundOfPayment = await client.payments.fetchRefund(payment.id, refund.id);
const refundChanged = await client.refunds.edit(refund.id, { notes: { reason: "changed" } });
const refunds = await client.payments.fetchMultipleRefund(payment.id, { count: 100 });
const tooMuch = await client.payments.refund(payment.id, { amount: 49900 }).catch((e) => e);
const rest = await client.payments.refund(payment.id, {});
const refunded = await client.payments.fetch(payment.id);
const today = new Date(Date.now() + 330 * 60_000).toISOString();
const recon = await client.settlements.reports({ year: +today.slice(0, 4), month: today.slice(5, 7), day: today.slice(8, 10) });
const settlements = await client.settlements.all();
const settlement = await client.settlements.fetch(settlements.items[0].id);
const other = await client.paymentLink.create({ ...asked, reference_id: "sdk-2" });
const cancelled = await client.paymentLink.cancel(other.id);

console.log(JSON.stringify({
  created: created.status, read: read.reference_id, twice: twice.statusCode, twice_text: twice.error.description,
  paid: paid.status, payment: payment.status, payment_amount: payment.amount, returned,
  refund: refund.amount, refund_status: refund.status, refund_read: refundRead.receipt, refund_of_payment: refundOfPayment.id === refund.id,
  refund_changed: refundChanged.notes.reason, refunds: refunds.items.map((r) => r.receipt), too_much: tooMuch.statusCode, rest: rest.amount,
  refunded: refunded.status, recon: recon.items.map((r) => r.type),
  settled: settlement.amount === recon.items.reduce((sum, r) => sum + r.credit - r.debit, 0), cancelled: cancelled.status,
  events: deliveries.map((d) => JSON.parse(d.body).event).sort(),
  genuine: deliveries.every((d) => Razorpay.validateWebhookSignature(d.body, d.headers["x-razorpay-signature"], webhook_secret)),
  tampered: Razorpay.validateWebhookSignature(deliveries[0].body.replace("49900", "49901"),
    deliveries[0].headers["x-razorpay-signature"], webhook_secret),
}));
