// A transcript of a conversation, to compare what two people see.

/** Returns the lines `{sequence, id, by, text}` of the messages from a sequence on, in order. */
export function transcript(conversation, from = 0) {
  return conversation.messages
    .slice(conversation.indexFrom(from))
    .map(({ sequence, id, by, text, deleted }) => ({ sequence, id, by, text: deleted ? "(deleted)" : text }));
}

/**
 * Returns a promise of the SHA-256 of a transcript, as hexadecimal digits. What is hashed are its lines, each
 * `sequence TAB id TAB by TAB text`, with a line break between them. `null` if the browser cannot: it hashes only on
 * pages from this machine or over TLS.
 */
export async function hash(lines) {
  const text = lines.map(({ sequence, id, by, text }) => [sequence, id, by, text].join("\t")).join("\n");
  const digest = await globalThis.crypto.subtle?.digest("SHA-256", new TextEncoder().encode(text));
  if (!digest) return null;
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
