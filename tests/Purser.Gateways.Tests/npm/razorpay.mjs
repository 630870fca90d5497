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
const refund = await client.payments.refund(payment.id, { amount: 900 });
const other = await client.paymentLink.create({ ...asked, reference_id: "sdk-2" });
const cancelled = await client.paymentLink.cancel(other.id);

console.log(JSON.stringify({
  created: created.status, read: read.reference_id, twice: twice.statusCode, twice_text: twice.error.description,
  paid: paid.status, payment: payment.status, payment_amount: payment.amount, returned,
  refund: refund.amount, cancelled: cancelled.status,
  events: deliveries.map((d) => JSON.parse(d.body).event).sort(),
  genuine: deliveries.every((d) => Razorpay.validateWebhookSignature(d.body, d.headers["x-razorpay-signature"], webhook_secret)),
  tampered: Razorpay.validateWebhookSignature(deliveries[0].body.replace("49900", "49901"),
    deliveries[0].headers["x-razorpay-signature"], webhook_secret),
}));
