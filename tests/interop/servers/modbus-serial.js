// A Modbus/TCP server on npm's modbus-serial, from the JSON of its argument. Prints its port.
//   {unit, holding: {address: word}, input, coil, discrete,
//    refuse: {address: code}, slow: {address: milliseconds}, units: {unit: "silent" or code}}
const net = require("net");
const ModbusRTU = require("modbus-serial");

const data = JSON.parse(process.argv[2]);

function answer(table, address, unit) {
  const mood = (data.units || {})[unit];
  if (mood === "silent") return new Promise(() => {});
  const code = mood || (data.refuse || {})[address];
  if (code) return Promise.reject({ modbusErrorCode: code });
  const wait = (data.slow || {})[address] || 0;
  const value = (data[table] || {})[address] || 0;
  return wait ? new Promise((done) => setTimeout(() => done(value), wait)) : value;
}

function write() {
  console.log("write");
  throw { modbusErrorCode: 1 };
}

const vector = {
  getHoldingRegister: (address, unit) => answer("holding", address, unit),
  getInputRegister: (address, unit) => answer("input", address, unit),
  getCoil: (address, unit) => Promise.resolve(answer("coil", address, unit)).then(Boolean),
  getDiscreteInput: (address, unit) => Promise.resolve(answer("discrete", address, unit)).then(Boolean),
  setRegister: write,
  setCoil: write,
};

// It takes no port 0: look for one that is free.
const probe = net.createServer();
probe.listen(0, "127.0.0.1", () => {
  const port = probe.address().port;
  probe.close(() => {
    const server = new ModbusRTU.ServerTCP(vector, { host: "127.0.0.1", port, unitID: data.unit || 255 });
    server.on("initialized", () => console.log(`port ${port}`));
    server.on("socketError", () => {});
    server.on("error", () => {});
  });
});
