#!/usr/bin/env node
import { text } from '../src/duration.js';
import { total } from '../src/sheet.js';

console.log(text(total(process.argv.slice(2))));
