import { afterAll } from 'vitest';
import { dropShopsOfFile } from './shop';

afterAll(dropShopsOfFile);
