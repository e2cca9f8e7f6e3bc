// Has mysql-memory-server fetch a MySQL and prints where its mysqld is. Starting it once is the only
// way the package offers; it also mends what some systems need (libaio on Ubuntu).
import process from 'node:process';
import { createDB } from 'mysql-memory-server';
import { createConnection } from 'mysql2/promise';

const db = await createDB({
  version: process.argv[2],
  logLevel: 'ERROR',
  downloadRetries: 1,
  xEnabled: 'OFF',
});
const connection = await createConnection({ host: '127.0.0.1', port: db.port, user: db.username });
const [[{ basedir }]] = await connection.query('SELECT @@basedir AS basedir');
await connection.end();
await db.stop();
process.stdout.write(`${basedir.replace(/\/$/, '')}/bin/mysqld\n`);
