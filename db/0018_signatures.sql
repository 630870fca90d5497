-- An endpoint whose messages are signed by Ed25519 has a public key, which the receiver checks with; null where a shared secret signs.
alter table webhook_endpoints add public_key text;
