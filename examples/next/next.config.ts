export default {
  // Loaded by Node as it is, and not compiled into each route.
  serverExternalPackages: ['signalbox'],
};
