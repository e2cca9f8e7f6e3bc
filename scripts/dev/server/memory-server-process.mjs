// Has mysql-memory-server fetch a MySQL and prints where its mysqld is, or in one line why not.
// Starting it once is the only way the package offers; it also mends what some systems need
// (libaio on Ubuntu).
import process from 'node:process';
import { createDB } from 'mysql-memory-server';
import { createConnection } from 'mysql2/promise';

try {
  const db = await createDB({ version: process.argv[2], downloadRetries: 1, xEnabled: 'OFF' });
  const connection = await createConnection({ host: '127.0.0.1', port: db.port, user: 'root' });
  const [[{ basedir }]] = await connection.query('SELECT @@basedir AS basedir');
  await connection.end();
  await db.stop();
  print(`${basedir.replace(/\/$/, '')}/bin/mysqld`);
} catch (error) {
  // The package throws texts.
  print(String(error instanceof Error ? error.message : error).replaceAll('\n', ' '));
  process.exitCode = 1;
}

function print(line) {
  process.stdout.write(`${line}\n`);
}
