// Reads {secret, headers, body} as JSON on standard input and verifies it with both official packages, as a receiver would.
import { Webhook as Standard } from "standardwebhooks";
import { Webhook as Svix } from "svix";

let text = "";
for await (const part of process.stdin) text += part;
const { secret, headers, body } = JSON.parse(text);
for (const [name, library] of [["standardwebhooks", Standard], ["svix", Svix]]) {
  try {
    const event = new library(secret).verify(body, headers);
    console.log(`${name}: ${event.type}`);
  } catch (refused) {
    console.log(`${name}: refused: ${refused.message}`);
  }
}
