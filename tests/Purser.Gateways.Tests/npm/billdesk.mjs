// Opens our tokens and makes its own with a JOSE library that others wrote: node billdesk.mjs '{"client", "key_id", ...}'. Prints one JSON line.
import { CompactEncrypt, CompactSign, compactDecrypt, compactVerify } from "jose";

const { client, key_id, signing_key, encryption_key, signed, encrypted, payload } = JSON.parse(process.argv[2]);
const bytes = (text) => new TextEncoder().encode(text);
const text = (raw) => new TextDecoder().decode(raw);
const [signing, encryption] = [bytes(signing_key), bytes(encryption_key)];
const only = { algorithms: ["HS256"] };

const verified = await compactVerify(signed, signing, only);
const outer = await compactVerify(encrypted, signing, only);
const inner = await compactDecrypt(text(outer.payload), encryption, {
  keyManagementAlgorithms: ["dir"], contentEncryptionAlgorithms: ["A256GCM"],
});
const rejected = await compactVerify(signed.slice(0, -4) + "AAAA", signing, only).then(() => false, () => true);

const head = { alg: "HS256", clientid: client, kid: "HMAC" };
const theirs = await new CompactSign(bytes(payload)).setProtectedHeader(head).sign(signing);
const sealed = await new CompactEncrypt(bytes(payload))
  .setProtectedHeader({ enc: "A256GCM", alg: "dir", clientid: client, kid: key_id }).encrypt(encryption);
const theirsEncrypted = await new CompactSign(bytes(sealed)).setProtectedHeader({ ...head, kid: key_id }).sign(signing);

console.log(JSON.stringify({
  signed: text(verified.payload), header: verified.protectedHeader, encrypted: text(inner.plaintext), inner: inner.protectedHeader, rejected,
  theirs, theirs_encrypted: theirsEncrypted,
}));
