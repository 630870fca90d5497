// Checks checksums of ours with the official code, and makes some for us to check: node paytm.mjs '{"key", "bodies", ...}'. Prints one JSON line.
import PaytmChecksum from "paytmchecksum";

const { key, bodies, settlement, form, text } = JSON.parse(process.argv[2]);
const times = 8;
const { checksumHash, ...asked } = settlement;

console.log = () => {}; // It prints what it cannot decrypt.
const verify = (what, checksum) => PaytmChecksum.verifySignature(what, key, checksum);
const repeat = async (make) => Promise.all(Array.from({ length: times }, make));

const seen = {
  bodies: bodies.map((b) => verify(b.body, b.signature)),
  tampered: bodies.map((b) => verify(`${b.body} `, b.signature)),
  settlement: verify({ ...asked }, checksumHash),
  forms: await repeat(() => PaytmChecksum.generateSignature({ ...form }, key)),
  texts: await repeat(() => PaytmChecksum.generateSignature(text, key)),
};
process.stdout.write(`${JSON.stringify(seen)}\n`);
