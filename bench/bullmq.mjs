// BullMQ on a Redis of ours: adds one at a time, adds in bulk, and a worker that drains. Prints "name rate" lines.
// node bullmq.mjs SOCKET JOBS FOLDER-WITH-node_modules. Called by redis_bullmq.sh.
import { createRequire } from 'node:module';
const [, , where, count, modules] = process.argv;
const require = createRequire(modules + '/');
const { Queue, Worker } = require('bullmq');
const connection = { path: where, maxRetriesPerRequest: null };
const n = Number(count);

const timed = async (name, jobs, work) => {
    const begin = process.hrtime.bigint();
    await work();
    console.log(`${name}\t${(jobs / (Number(process.hrtime.bigint() - begin) / 1e9)).toFixed(0)}`);
};
const queue = new Queue('bench', { connection });
await queue.waitUntilReady();
await timed('add', n / 10, async () => { for (let i = 0; i < n / 10; ++i) await queue.add('job', { i }); });
await timed('add in bulk of 1000', n, async () => {
    for (let done = 0; done < n; done += 1000)
        await queue.addBulk(Array.from({ length: 1000 }, (_, i) => ({ name: 'job', data: { i } })));
});
const total = n + n / 10;
let left = total;
await timed('drain, concurrency 100', total, () => new Promise((resolve) => {
    const worker = new Worker('bench', async () => {}, { connection, concurrency: 100 });
    worker.on('completed', () => { if (--left === 0) worker.close().then(resolve); });
}));
await queue.close();
process.exit(0);
