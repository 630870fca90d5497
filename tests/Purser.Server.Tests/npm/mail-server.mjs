// A mail server on this machine that does as it is told: one JSON of settings as argument, one mode a line on standard input. Each mail that it was
// handed is read by mailparser and written as one line of JSON, whether it then takes it or not.
import { createInterface } from "node:readline";
import { simpleParser } from "mailparser";
import { SMTPServer } from "smtp-server";

const settings = JSON.parse(process.argv[2]);
let mode = "take";

const refusal = (code, words) => Object.assign(new Error(words), { responseCode: code });

const server = new SMTPServer({
  ...(settings.key ? { key: settings.key, cert: settings.cert, secure: settings.implicit } : { hideSTARTTLS: true }),
  authOptional: !settings.user,
  disabledCommands: settings.user ? [] : ["AUTH"],
  disableReverseLookup: true,
  onAuth: (auth, session, done) =>
    auth.username === settings.user && auth.password === settings.password ? done(null, { user: auth.username }) : done(refusal(535, "5.7.8 wrong user or password")),
  onRcptTo: (address, session, done) => {
    const [, only, code, words] = /^refuse (?:(\S+@\S+) )?(\d+) (.*)$/.exec(mode) ?? [];
    done(code && (!only || only === address.address) ? refusal(Number(code), words.replace("ADDRESS", address.address)) : null);
  },
  onData: async (stream, session, done) => {
    const parts = [];
    for await (const part of stream) parts.push(part);
    const raw = Buffer.concat(parts);
    const mail = await simpleParser(raw, { skipImageLinks: true, skipTextToHtml: true });
    console.log(JSON.stringify({
      id: mail.messageId, subject: mail.subject, from: mail.from.text, to: session.envelope.rcptTo.map(r => r.address), toHeader: mail.to.text, text: mail.text, html: mail.html,
      date: mail.date?.toISOString() ?? null, headers: mail.headerLines.map(h => h.line), secure: session.secure, user: session.user ?? null, attachments: mail.attachments.length,
      type: mail.headers.get("content-type").value, size: raw.length,
    }));
    if (mode === "lose") for (const connection of server.connections) connection._socket.destroy();
    else if (mode === "busy") done(refusal(451, "4.3.0 try later"));
    else if (mode !== "hold") done();
  },
});
server.on("error", () => {});
server.listen(settings.port, "127.0.0.1", () => console.log(JSON.stringify({ port: server.server.address().port })));
createInterface({ input: process.stdin }).on("line", line => {
  if (line !== "sync") mode = line;
  console.log(JSON.stringify({ mode }));
}).on("close", () => process.exit());
