import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { StoreUnavailable } from '../../../src/platform/adapter.ts';
import { reach } from '../../../src/store/failure.ts';
import { databaseKinds, openTestDatabase, type TestDatabase } from '../../support/database.ts';

describe.each(databaseKinds)('a failure of the database on %s', (kind) => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await openTestDatabase(kind);
  });
  afterAll(() => database.close());

  const failWith = (code: string) =>
    reach(() =>
      database.sql.unsafe(`do $$ begin raise exception using errcode = '${code}', message = 'x'; end $$`),
    );

  it.each([
    ['a full disk', '53100'],
    ['no memory', '53200'],
    ['too many clients', '53300'],
    ['an error of its disk', '58030'],
    ['a missing file', '58P01'],
    ['a damaged file', 'XX001'],
    ['a damaged index', 'XX002'],
    ['a statement that took too long', '57014'],
    ['a shutdown', '57P01'],
    ['deadlocks that do not end', '40P01'],
  ])('counts as away: %s', async (_name, code) => {
    await expect(failWith(code)).rejects.toThrow(StoreUnavailable);
  });

  it.each([
    ['a broken constraint', '23505'],
    ['a number out of range', '22003'],
    ['an internal error', 'XX000'],
  ])('is ours: %s', async (_name, code) => {
    await expect(failWith(code)).rejects.not.toBeInstanceOf(StoreUnavailable);
  });
});

it('a write on a connection that the server has ended counts as away', async ({ onTestFinished }) => {
  const server = createServer((socket) => socket.end());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void server.close());
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.on('error', () => undefined).resume();
  await once(socket, 'end');
  const writing = () =>
    new Promise<void>((resolve, reject) => socket.write('x', (error) => (error ? reject(error) : resolve())));
  await expect(reach(writing)).rejects.toThrow(StoreUnavailable);
});
