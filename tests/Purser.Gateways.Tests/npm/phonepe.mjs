// Speaks to a PhonePe with the official client: node phonepe.mjs '{"url", "control", ...}'. Prints one JSON line.
import { BaseUrl } from "pg-sdk-node/dist/common/constants/BaseUrl.js";
import { CommonUtils } from "pg-sdk-node/dist/common/CommonUtils.js";
import { Env, MetaInfo, RefundRequest, StandardCheckoutClient, StandardCheckoutPayRequest } from "pg-sdk-node";
import { payAndListen } from "./control.mjs";

const { url, control, client_id, client_secret, client_version, webhook_username, webhook_password, header } = JSON.parse(process.argv[2]);
BaseUrl.SANDBOX.PG_HOST_URL = url;
BaseUrl.SANDBOX.OAUTH_HOST_URL = url;
const client = StandardCheckoutClient.getInstance(client_id, client_secret, client_version, Env.SANDBOX, false);

const asked = StandardCheckoutPayRequest.builder().merchantOrderId("sdk-1").amount(49900).expireAfter(1200)
  .metaInfo(MetaInfo.builder().udf1("att-1").build()).redirectUrl("https://shop.example.test/back?a=1").message("Order 42").build();
const created = await client.pay(asked);
const twice = await client.pay(asked).catch((e) => e);
const open = await client.getOrderStatus("sdk-1");
const { result, deliveries } = await payAndListen(control, "phonepe", "sdk-1", "paid", `${webhook_username}:${webhook_password}`, 1);
const paid = await client.getOrderStatus("sdk-1", true);
const one = await client.getTransactionStatus(paid.paymentDetails[0].transactionId);
const refund = await client.refund(RefundRequest.builder().merchantRefundId("sdk-r1").originalMerchantOrderId("sdk-1").amount(900).build());
const refunded = await client.getRefundStatus("sdk-r1");
const missing = await client.getOrderStatus("sdk-none").catch((e) => e);
const news = deliveries[0];
const told = client.validateCallback(webhook_username, webhook_password, news.headers.authorization, news.body);
const refused = (f) => { try { f(); return "accepted"; } catch (e) { return e.type; } };

console.log(JSON.stringify({
  created: created.state, page: created.redirectUrl.startsWith("http"), expires: created.expireAt > Date.now(),
  twice: twice.httpStatusCode, twice_code: twice.code,
  open: open.state, paid: paid.state, amount: paid.amount, udf1: paid.metaInfo.udf1, tried: paid.paymentDetails[0].state,
  one: one.orderId === paid.orderId, back: result.return_url,
  refund: refund.state, refunded: refunded.originalMerchantOrderId, missing: missing.httpStatusCode,
  told: told.payload.merchantOrderId, told_state: told.payload.state, body: news.body, authorization: news.headers.authorization,
  tampered: refused(() => client.validateCallback(webhook_username, webhook_password, news.headers.authorization.toUpperCase(), news.body)),
  // What the body says is not looked at.
  unsigned: refused(() => client.validateCallback(webhook_username, webhook_password, news.headers.authorization, news.body.replace("49900", "1"))),
  believes_ours: CommonUtils.isCallbackValid(webhook_username, webhook_password, header),
  theirs: CommonUtils.calculateSha256({ username: "orch_user", password: "Passw0rd2026" }),
}));
