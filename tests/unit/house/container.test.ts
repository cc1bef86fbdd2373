import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DCLinter } from 'dclint';
import { validate } from 'dockerfile-utils';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { settingNames } from '../../../src/config.ts';
import { projectRoot } from './project-copy.ts';

const read = (path: string) => readFileSync(join(projectRoot, path), 'utf8');

interface Service {
  readonly environment?: Record<string, string | number>;
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  readonly image?: string;
}

describe('the Dockerfile', () => {
  const instructions = read('Dockerfile')
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.trim());
  const settings = Object.fromEntries(
    instructions
      .filter((line) => line.startsWith('ENV '))
      .flatMap((line) => [...line.matchAll(/(\w+)=(\S+)/g)].map(([, name, value]) => [name, value])),
  ) as Record<string, string>;

  it('is valid', () => {
    expect(validate(read('Dockerfile'))).toEqual([]);
  });

  it('copies only files that exist and that .dockerignore lets through', () => {
    const admitted = read('.dockerignore')
      .split('\n')
      .filter((line) => line.startsWith('!'))
      .map((line) => line.slice(1));
    const copied = instructions
      .filter((line) => line.startsWith('COPY ') && !line.includes('--from='))
      .flatMap((line) => line.split(/\s+/).slice(1, -1));
    expect([...new Set(copied)].toSorted()).toEqual(admitted.toSorted());
    expect(copied.filter((path) => !existsSync(join(projectRoot, path)))).toEqual([]);
  });

  it('sets only variables that the program reads', () => {
    const { NODE_ENV, ...ours } = settings;
    expect(NODE_ENV).toBe('production');
    expect(Object.keys(ours).length).toBeGreaterThan(0);
    expect(settingNames).toEqual(expect.arrayContaining(Object.keys(ours)));
  });

  it('exposes the port it sets and keeps data on a volume', () => {
    expect(instructions).toContain(`EXPOSE ${settings['HTTP_PORT']}`);
    expect(instructions).toContain(`VOLUME ${settings['DATA_DIR']}`);
  });

  it('does not run as root', () => {
    expect(instructions.findLast((line) => line.startsWith('USER '))).toBe('USER node');
  });
});

describe('compose.yaml', () => {
  const { services, volumes } = parse(read('compose.yaml')) as {
    services: Record<'parley' | 'postgres' | 'redis', Service>;
    volumes: Record<string, unknown>;
  };
  const { parley, postgres, redis } = services;

  it('passes the linter', () => {
    const linter = new DCLinter({ rules: {}, quiet: false, debug: false, exclude: [] });
    const [result] = linter.lintFiles([join(projectRoot, 'compose.yaml')], false);
    expect(result).toMatchObject({ messages: [] });
  });

  it('sets only variables that the program reads', () => {
    expect(settingNames).toEqual(expect.arrayContaining(Object.keys(parley.environment ?? {})));
  });

  it('keeps the password out of the file', () => {
    expect(postgres.environment?.['POSTGRES_PASSWORD']).toMatch(/^\$\{POSTGRES_PASSWORD:\?/);
    expect(parley.environment?.['DATABASE_URL']).toContain('${POSTGRES_PASSWORD:?');
  });

  it('publishes the port of the HTTP server on this machine only', () => {
    const port = parley.environment?.['HTTP_PORT'];
    expect(parley.ports).toEqual([`127.0.0.1:${port}:${port}`]);
    expect([postgres.ports, redis.ports]).toEqual([undefined, undefined]);
  });

  it('declares the volumes that it mounts', () => {
    const mounted = Object.values(services).flatMap((service) => service.volumes ?? []);
    expect(mounted.map((mount) => mount.split(':')[0] ?? '').toSorted()).toEqual(
      Object.keys(volumes).toSorted(),
    );
  });
});
