export { compileChart } from '../model/chart/compile.ts';
