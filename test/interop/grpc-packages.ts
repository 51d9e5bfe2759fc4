// Python's gRPC clients as the tests of interoperability want them. Their generated modules clash in one process, not in one environment.
export const grpcPackages = ['tritonclient[grpc]==2.73.0', 'grpcio-health-checking==1.81.1']
export const kservePackages = ['kserve==0.21.0']
