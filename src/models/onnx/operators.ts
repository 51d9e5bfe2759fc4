// The operators that a served graph may use, by domain: what ONNX Runtime 1.30 runs, less what could run for ever or hide work.

const words = (text: string): string[] => text.trim().split(/\s+/v)

/**
 * ai.onnx up to opset 26. Absent on purpose: If, Loop and SequenceMap, which hold graphs of their own (a Loop may never end), and
 * ImageDecoder and training losses, which have no place in a served table model. A Scan is looked into: models of neighbours have one.
 */
const standard = words(`
  Abs Acos Acosh Add AffineGrid And ArgMax ArgMin Asin Asinh Atan Atanh Attention AveragePool BatchNormalization Bernoulli BitCast
  BitShift BitwiseAnd BitwiseNot BitwiseOr BitwiseXor BlackmanWindow Cast CastLike Ceil Celu CenterCropPad Clip Col2Im Compress Concat
  ConcatFromSequence Constant ConstantOfShape Conv ConvInteger ConvTranspose Cos Cosh CumProd CumSum DFT DeformConv DepthToSpace
  DequantizeLinear Det Div Dropout DynamicQuantizeLinear Einsum Elu Equal Erf Exp Expand EyeLike Flatten Floor GRU Gather GatherElements
  GatherND Gelu Gemm GlobalAveragePool GlobalLpPool GlobalMaxPool Greater GreaterOrEqual GridSample GroupNormalization HammingWindow
  HannWindow HardSigmoid HardSwish Hardmax Identity InstanceNormalization IsInf IsNaN LRN LSTM LayerNormalization LeakyRelu Less
  LessOrEqual Log LogSoftmax LpNormalization LpPool MatMul MatMulInteger Max MaxPool MaxRoiPool MaxUnpool Mean
  MeanVarianceNormalization MelWeightMatrix Min Mish Mod Mul Multinomial Neg NonMaxSuppression NonZero Not OneHot Optional
  OptionalGetElement OptionalHasElement Or PRelu Pad Pow QLinearConv QLinearMatMul QuantizeLinear RMSNormalization RNN RandomNormal
  RandomNormalLike RandomUniform RandomUniformLike Range Reciprocal ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean
  ReduceMin ReduceProd ReduceSum ReduceSumSquare RegexFullMatch Relu Reshape Resize ReverseSequence RoiAlign RotaryEmbedding Round STFT
  Scan Scatter ScatterElements ScatterND Selu SequenceAt SequenceConstruct SequenceEmpty SequenceErase SequenceInsert SequenceLength Shape
  Shrink Sigmoid Sign Sin Sinh Size Slice Softmax Softplus Softsign SpaceToDepth Split SplitToSequence Sqrt Squeeze StringConcat
  StringNormalizer StringSplit Sub Sum Swish Tan Tanh TensorScatter TfIdfVectorizer ThresholdedRelu Tile TopK Transpose Trilu Unique
  Unsqueeze Upsample Where Xor
`)

/** ai.onnx.ml 1 to 5. ZipMap is listed: where its result is an output of the graph, that output is refused with advice. */
const machineLearning = words(`
  ArrayFeatureExtractor Binarizer CastMap CategoryMapper DictVectorizer FeatureVectorizer Imputer LabelEncoder LinearClassifier
  LinearRegressor Normalizer OneHotEncoder SVMClassifier SVMRegressor Scaler TreeEnsemble TreeEnsembleClassifier TreeEnsembleRegressor
  ZipMap
`)

/** com.microsoft: the fused and quantized operators that optimizers write, and those that converters write for neighbours and for words. */
const contributed = words(`
  BiasGelu BiasSoftmax CDist DequantizeLinear DynamicQuantizeMatMul FastGelu FusedConv FusedGemm FusedMatMul Gelu Inverse MatMulInteger16
  MatMulIntegerToFloat MatMulNBits MulInteger NhwcMaxPool Pad QAttention QGemm QLinearAdd QLinearAveragePool QLinearConcat
  QLinearGlobalAveragePool QLinearLeakyRelu QLinearMul QLinearReduceMean QLinearSigmoid QLinearSoftmax QLinearWhere QuantizeLinear
  QuickGelu SkipLayerNormalization SkipSimplifiedLayerNormalization Tokenizer Trilu Unique
`)

/** Domains by the name that a graph uses (`''` is ai.onnx), the opset versions that run, and their operators. */
export const operatorDomains: ReadonlyMap<string, { min: number; max: number; operators: ReadonlySet<string> }> =
  new Map([
    ['ai.onnx', { min: 7, max: 26, operators: new Set(standard) }],
    ['ai.onnx.ml', { min: 1, max: 5, operators: new Set(machineLearning) }],
    ['com.microsoft', { min: 1, max: 1, operators: new Set(contributed) }],
  ])

/** Operators that run graphs of their own, and why those are not served. */
export const subgraphOperators: ReadonlyMap<string, string> = new Map([
  ['If', 'which runs one of two graphs inside the graph: export the model for the one case that it is asked in'],
  ['Loop', 'which runs a graph inside the graph and might never end: unroll it, or export the model without it'],
  ['SequenceMap', 'which runs a graph inside the graph for each value of a sequence: export the model without it'],
])
