// A client of HTTP/2, and of HTTP/1.1 over TLS, for t/access_key_http2.t.
//
//     node h2.mjs PORT concurrency LIMIT
//     node h2.mjs PORT rate|https PATH TIMES
//     node h2.mjs PORT leave PATH
//
// Prints what came of it as JSON.
import http2 from 'node:http2';
import https from 'node:https';
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

const [port, what, ...args] = process.argv.slice(2);
const url = `https://localhost:${port}`;
const WINDOW = 16 << 20;

function connect(options = {}) {
    return new Promise((resolve, reject) => {
        const session = http2.connect(url, { rejectUnauthorized: false, ...options });
        session.once('error', reject);
        session.once('connect', () => {
            session.on('error', () => {});
            resolve(session);
        });
    });
}

// A request whose answer is not read: it runs until it is reset.
function begin(session, path) {
    return new Promise((resolve) => {
        const stream = session.request({ ':path': path });
        stream.on('error', () => {});
        stream.once('response', (headers) => resolve({ stream, status: headers[':status'] }));
        stream.once('close', () => resolve({ stream, status: 0 }));
    });
}

const reset = ({ stream }) => stream.close(http2.constants.NGHTTP2_CANCEL);
const digest = (parts) => createHash('sha256').update(Buffer.concat(parts)).digest('hex');

function whole(stream) {
    return new Promise((resolve) => {
        const parts = [];
        stream.on('error', () => resolve('error'));
        stream.on('data', (part) => parts.push(part));
        stream.on('end', () => resolve(digest(parts)));
    });
}

async function concurrency(limit) {
    let sessions = await Promise.all([connect(), connect()]);
    let at = 0;
    const next = () => begin(sessions[at++ % sessions.length], '/large?key=KEY-ACME');
    const refused = async (times) => {
        const all = await Promise.all(Array.from({ length: times }, next));
        all.forEach(reset);
        return all.every(({ status }) => status === 429);
    };
    // As many as may run do, once those that were reset have ended.
    const fill = async (run) => {
        for (const end = Date.now() + 10000; run.length < limit && Date.now() < end;) {
            const one = await next();
            if (one.status === 200) run.push(one);
            else { reset(one); await sleep(5); }
        }
        return run.length === limit && await refused(4);
    };
    const first = await Promise.all(Array.from({ length: 12 }, next));
    const statuses = first.map(({ status }) => status).sort().join(' ');
    let run = first.filter(({ status }) => status === 200);
    let exact = 0;
    for (let round = 0; round < 10; round++) {
        run.splice(0, 1 + round % limit).forEach(reset);
        exact += await fill(run);
    }
    // Connections that go away with all that runs on them.
    let gone = 0;
    for (let round = 0; round < 5; round++) {
        sessions.forEach((session) => session.destroy());
        sessions = await Promise.all([connect(), connect()]);
        run = [];
        gone += await fill(run);
    }
    sessions.forEach((session) => session.destroy());
    return { statuses, exact, gone };
}

async function rate(path, times) {
    const session = await connect({ settings: { initialWindowSize: WINDOW } });
    session.setLocalWindowSize(WINDOW);
    const start = Date.now();
    const digests = await Promise.all(Array.from({ length: times }, () => whole(session.request({ ':path': path }))));
    const took = (Date.now() - start) / 1000;
    session.destroy();
    return { took, digests };
}

async function over1(path, times) {
    const start = Date.now();
    const digests = await Promise.all(Array.from({ length: times }, () => new Promise((resolve) => {
        https.get(url + path, { rejectUnauthorized: false, agent: false }, (answer) => resolve(whole(answer)));
    })));
    return { took: (Date.now() - start) / 1000, digests };
}

async function leave(path) {
    const session = await connect();
    const all = await Promise.all([1, 2, 3].map(() => begin(session, path)));
    all.forEach(reset);
    await sleep(50);
    const start = Date.now();
    const digests = [await whole(session.request({ ':path': '/small?key=KEY-PACED' }))];
    session.destroy();
    return { took: (Date.now() - start) / 1000, digests };
}

const run = {
    concurrency: () => concurrency(Number(args[0])),
    rate: () => rate(args[0], Number(args[1])),
    https: () => over1(args[0], Number(args[1])),
    leave: () => leave(args[0]),
};
console.log(JSON.stringify(await run[what]()));
process.exit(0);
