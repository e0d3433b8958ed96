#!/usr/bin/env node
// LINK_KEY=... sign.js PATH EXPIRES: a link for secure_link_hash_md5, and one for hmac-sha256.

const { createHash, createHmac } = require("node:crypto");

// The bytes of a key that is written as for nginx: hex:..., base64:... or the text itself.
function keyOf(text) {
  const [, notation, digits] = /^(hex|base64):(.*)$/.exec(text) ?? [];
  if (!notation) return Buffer.from(text);
  const valid = notation === "hex" ? /^([0-9a-f]{2})+$/i : /^[\w+/-]+=*$/;
  if (!valid.test(digits)) throw new Error(`LINK_KEY is no ${notation}`);
  return Buffer.from(digits, notation);
}

const base64url = (data) =>
  data.toString("base64").replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
const escape = (path) => path.split("/").map(encodeURIComponent).join("/");

function md5Link(key, path, expires) {
  const token = base64url(createHash("md5").update(`${expires}${path} `).update(key).digest());
  return `${escape(path)}?md5=${token}&expires=${expires}`;
}

function hmacLink(key, path, expires) {
  const token = base64url(createHmac("sha256", key).update(`${path}|${expires}`).digest());
  return `${escape(path)}?token=${token}&expires=${expires}`;
}

const key = keyOf(process.env.LINK_KEY);
const [path, expires] = process.argv.slice(2);
console.log(md5Link(key, path, Number(expires)));
console.log(hmacLink(key, path, Number(expires)));
