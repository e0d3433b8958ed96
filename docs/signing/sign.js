#!/usr/bin/env node
// LINK_KEY=... sign.js PATH EXPIRES: a link for secure_link_hash_md5, and one for hmac-sha256.

const { createHash, createHmac } = require("node:crypto");

const base64url = (data) =>
  data.toString("base64").replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
const escape = (path) => path.split("/").map(encodeURIComponent).join("/");

function md5Link(key, path, expires) {
  const token = base64url(createHash("md5").update(`${expires}${path} ${key}`).digest());
  return `${escape(path)}?md5=${token}&expires=${expires}`;
}

function hmacLink(key, path, expires) {
  const token = base64url(createHmac("sha256", key).update(`${path}|${expires}`).digest());
  return `${escape(path)}?token=${token}&expires=${expires}`;
}

const key = process.env.LINK_KEY;
const [path, expires] = process.argv.slice(2);
console.log(md5Link(key, path, Number(expires)));
console.log(hmacLink(key, path, Number(expires)));
