import { startStandIn } from './dist/stand-in/index.js';
import { wireLogin } from './dist/harness/wire-client.js';
const s = await startStandIn();
const c = await wireLogin(s.url,{fields:{LOGIN_NAME:'demo',PASSWORD:'demo-password',CLIENT_APP_ID:'JavaScript'},query:{databaseName:'CRM',schemaName:'PUBLIC'}});
const q=async(t,m)=>{const a=await c.query(t,m);console.log(t,JSON.stringify({...a,data:{...a.data,parameters:0,rowtype:0}}).slice(0,500))};
await q('create temporary table if not exists type_ids (id int)');
await q('copy into @~/f from customers');
await q('insert into orders (id) values (?)', { describeOnly: true });
await q('select count(*) from orders');
await s.close();
const s2 = await startStandIn();
const c2 = await wireLogin(s2.url,{fields:{LOGIN_NAME:'demo',PASSWORD:'demo-password',CLIENT_APP_ID:'JavaScript'},query:{databaseName:'CRM',schemaName:'PUBLIC'}});
for (let k=0;k<4;k++) for (const t of ['select 1','select count(*) from orders','select id from orders','show tables','select * from information_schema.tables']) { const a=performance.now(); await c2.query(t); console.log(t,(performance.now()-a).toFixed(1)); }
await s2.close();
