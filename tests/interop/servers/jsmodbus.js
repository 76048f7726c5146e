// A Modbus server on npm's jsmodbus, TCP or RTU frames over TCP (socat makes a serial line of those), from the JSON of its
// second argument: {holding: {address: word}, input, coil, discrete}. It answers for every unit. Prints its port.
const net = require("net");
const modbus = require("jsmodbus");

const kind = process.argv[2];
const data = JSON.parse(process.argv[3]);

function words(table) {
  const buffer = Buffer.alloc(4096);
  for (const [address, value] of Object.entries(table || {})) buffer.writeUInt16BE(value, 2 * Number(address));
  return buffer;
}

function bits(table) {
  const buffer = Buffer.alloc(512);
  for (const [address, value] of Object.entries(table || {})) {
    const at = Number(address);
    if (value) buffer[at >> 3] |= 1 << (at & 7);
  }
  return buffer;
}

const tables = { holding: words(data.holding), input: words(data.input), coils: bits(data.coil),
  discrete: bits(data.discrete) };
const server = net.createServer();

function watch(one) {
  for (const name of ["preWriteSingleCoil", "preWriteSingleRegister", "preWriteMultipleCoils", "preWriteMultipleRegisters"])
    one.on(name, () => console.log("write"));
}

server.on("connection", (socket) => socket.on("error", () => {}));
if (kind === "tcp") watch(new modbus.server.TCP(server, tables));
else server.on("connection", (socket) => watch(new modbus.server.RTU(socket, tables)));
server.listen(0, "127.0.0.1", () => console.log(`port ${server.address().port}`));
