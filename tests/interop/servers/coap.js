// A CoAP server on npm's coap. Its counter rises every TICK ms (first argument) and is told to observers:
//   /counter      text/plain, observable
//   /3200/0       SenML JSON or CBOR (Accept 110, 112): the counter and a flag, observable
//   /long         SenML JSON of several kilobytes, in blocks
//   /.well-known/core
// Prints its port; whatever is not a GET is printed as "write".
const coap = require("coap");

const tick = Number(process.argv[2] || 200);
let counter = 0;
const observers = new Set();

coap.registerFormat("application/senml+json", 110);
coap.registerFormat("application/senml+cbor", 112);

function cborText(text) {
  return Buffer.concat([Buffer.from(text.length < 24 ? [0x60 + text.length] : [0x78, text.length]), Buffer.from(text)]);
}

function cborPack() {
  const number = Buffer.from([0x1a, 0, 0, 0, 0]);
  number.writeUInt32BE(counter, 1);
  return Buffer.concat([Buffer.from([0x82, 0xa3, 0x21]), cborText("/3200/0/"), Buffer.from([0x00]), cborText("5501"),
    Buffer.from([0x02]), number, Buffer.from([0xa2, 0x00]), cborText("5500"), Buffer.from([0x04, counter % 2 ? 0xf5 : 0xf4])]);
}

function jsonPack() {
  return JSON.stringify([{ bn: "/3200/0/", n: "5501", v: counter }, { n: "5500", vb: counter % 2 === 1 }]);
}

function longPack() {
  const records = [{ bn: "/long/", n: "first", v: counter }];
  for (let i = 0; i < 100; i++) records.push({ n: `filler${i}`, v: i });
  records.push({ n: "last", v: counter });
  return JSON.stringify(records);
}

const links = '</counter>;rt="counter";obs,</3200/0>;rt="oma.lwm2m";ct="110 112";obs,</long>;ct=110';
const resources = {
  "/counter": () => ["text/plain", String(counter)],
  "/3200/0": (accept) => (accept === "application/senml+cbor" ? [accept, cborPack()] : ["application/senml+json", jsonPack()]),
  "/long": () => ["application/senml+json", longPack()],
  "/.well-known/core": () => ["application/link-format", links],
};

const server = coap.createServer((request, response) => {
  const make = resources[request.url.split("?")[0]];
  const accept = request.headers.Accept;
  if (request.code === "0.00") return undefined; // a reset of ours that it takes for a request
  if (request.method !== "GET") console.log("write");
  if (!make || request.method !== "GET") {
    response.code = make ? "4.05" : "4.04";
    return response.end();
  }
  const [format] = make(accept);
  response.setOption("Content-Format", format);
  if (request.headers.Observe !== 0) return response.end(make(accept)[1]);
  const tell = () => response.write(make(accept)[1]);
  tell();
  observers.add(tell);
  response.on("finish", () => observers.delete(tell));
  return undefined;
});

server.on("error", () => {});
process.on("uncaughtException", (error) => console.error(String(error)));
server.listen(0, "127.0.0.1", () => {
  console.log(`port ${server._sock ? server._sock.address().port : server._port}`);
  setInterval(() => {
    counter++;
    for (const tell of observers) tell();
  }, tick);
});
