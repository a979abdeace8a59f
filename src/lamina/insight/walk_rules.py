"""What operators do with a gradient: the rule as a formula, and one sentence in two languages."""

RULES: dict[str, tuple[str, str, str]] = {
    "Add": (
        "ga = gy,  gb = gy",
        "A sum hands the gradient on to both sides, unchanged.",
        "加法把梯度原样传给两边。",
    ),
    "Sub": (
        "ga = gy,  gb = -gy",
        "A difference hands the gradient on, to the right side with its sign turned.",
        "减法把梯度传给两边，右边变号。",
    ),
    "Mul": (
        "ga = gy b,  gb = gy a",
        "Each factor gets the gradient times the other factor.",
        "每个因子得到的梯度，是传来的梯度乘以另一个因子。",
    ),
    "Div": (
        "ga = gy / b,  gb = -gy a / b²",
        "The numerator gets the gradient divided as it was itself.",
        "分子得到的梯度同样要除以分母。",
    ),
    "Scale": (
        "gx = c gy",
        "What was multiplied by a number forward is multiplied by it backward.",
        "前向乘以一个常数，反向也乘以同一个常数。",
    ),
    "Neg": ("gx = -gy", "The sign is turned forward and backward.", "前向变号，反向也变号。"),
    "Power": (
        "gx = gy n xⁿ⁻¹",
        "The gradient times the slope of the power at each x.",
        "梯度乘以幂函数在每个 x 处的斜率。",
    ),
    "Pow": (
        "ga = gy b aᵇ⁻¹,  gb = gy aᵇ log a",
        "Base and exponent each get the slope in their own direction.",
        "底数和指数各自得到沿自己方向的斜率。",
    ),
    "Exp": (
        "gx = gy y",
        "The exponential is its own slope, so the result is used again.",
        "指数函数的导数就是它自己，所以直接使用前向结果。",
    ),
    "Log": (
        "gx = gy / x",
        "The smaller x, the steeper the logarithm.",
        "x 越小，对数函数越陡。",
    ),
    "Sqrt": (
        "gx = gy / (2 y)",
        "The slope of the root is one over twice the root.",
        "平方根的斜率是两倍平方根的倒数。",
    ),
    "Abs": ("gx = gy sign(x)", "The sign of x decides the direction.", "方向由 x 的符号决定。"),
    "Relu": (
        "gx = gy (y > 0)",
        "The gradient passes where the unit was on, and stops where it was off.",
        "单元激活的地方梯度通过，未激活的地方梯度为零。",
    ),
    "Sigmoid": (
        "gx = gy y (1 - y)",
        "Steepest at y = 1/2; near 0 and 1 hardly anything passes.",
        "y = 1/2 处最陡；接近 0 或 1 时梯度几乎消失。",
    ),
    "Tanh": (
        "gx = gy (1 - y²)",
        "Steepest at y = 0; near -1 and 1 hardly anything passes.",
        "y = 0 处最陡；接近 -1 或 1 时梯度几乎消失。",
    ),
    "Softplus": (
        "gx = gy sigmoid(x)",
        "A smooth switch: closed far left, open far right.",
        "平滑的开关：左端关闭，右端打开。",
    ),
    "Softmax": (
        "gx = y (gy - Σ gy y)",
        "Only differences count: the mean of the gradient, weighted by y, is taken out.",
        "只有相对差异起作用：先减去以 y 为权重的平均梯度。",
    ),
    "LogSoftmax": (
        "gx = gy - eʸ Σ gy",
        "Each score loses its probability's share of the whole gradient.",
        "每个得分按其概率减去总梯度中的一份。",
    ),
    "AttentionWeights": (
        "gx = y (gy - Σ gy y)",
        "As softmax; what the mask hides gets nothing.",
        "与 softmax 相同；被掩码遮住的位置没有梯度。",
    ),
    "Linear": (
        "gx = gy Wᵀ,  gW = xᵀ gy,  gb = Σ gy",
        "The weights lead the gradient back to x; W learns from each pair of input and gradient; "
        "b sums over the rows.",
        "权重把梯度带回 x；W 由输入与梯度的乘积得到；b 对所有行求和。",
    ),
    "MatMul": (
        "ga = gy bᵀ,  gb = aᵀ gy",
        "Each matrix gets the gradient times the other one, transposed.",
        "每个矩阵得到的是梯度与另一个矩阵转置的乘积。",
    ),
    "Conv": (
        "gx = convᵀ(gy, W),  gW = conv(x, gy)",
        "The same weights slide back over the image; each weight sums over all places it was at.",
        "同一组权重沿原路滑回图像；每个权重对它到过的所有位置求和。",
    ),
    "MaxPool": (
        "gx[argmax] += gy",
        "Only the winner of each window gets a gradient.",
        "每个窗口中只有最大值得到梯度。",
    ),
    "PoolSum": (
        "gx = Σ gy",
        "Each number gets the gradients of all windows it is in.",
        "每个数得到它所在的所有窗口的梯度之和。",
    ),
    "Sum": (
        "gx[i] = gy",
        "Every number that was summed gets the same gradient.",
        "参与求和的每个数得到相同的梯度。",
    ),
    "Mean": (
        "gx[i] = gy / n",
        "Every number gets the same share of the gradient.",
        "每个数得到相同的一份梯度。",
    ),
    "Extreme": (
        "gx = gy (x = y)",
        "Only the extreme gets a gradient; equal ones share it.",
        "只有最值得到梯度；并列时平分。",
    ),
    "Extremum": (
        "ga = gy (a = y),  gb = gy (b = y)",
        "The gradient goes where the number came from; equal ones share it.",
        "梯度回到被选中的那一边；相等时平分。",
    ),
    "Reshape": (
        "gx = gy.reshape(x.shape)",
        "Only the form changes, forward and backward.",
        "前向反向都只改变形状。",
    ),
    "Transpose": (
        "gx = gy.transpose(axes⁻¹)",
        "The axes are turned back.",
        "把坐标轴换回原来的顺序。",
    ),
    "BroadcastTo": (
        "gx = Σ gy",
        "What was repeated forward is summed backward.",
        "前向被复制的，反向要求和。",
    ),
    "GetItem": (
        "gx[index] = gy",
        "What was left out gets zeros.",
        "没有被取出的部分梯度为零。",
    ),
    "Gather": (
        "gx[index] += gy",
        "A row that was taken several times gets the sum.",
        "被多次取出的行得到各次梯度之和。",
    ),
    "Concatenate": (
        "g0, g1, ... = split(gy)",
        "The gradient is cut where the parts were joined.",
        "在拼接处把梯度切开，各归各的。",
    ),
    "Split": (
        "gx = concatenate(g0, g1, ...)",
        "The gradients of the pieces are joined again.",
        "把各片的梯度重新拼接起来。",
    ),
    "Where": (
        "ga = where(c, gy, 0),  gb = where(c, 0, gy)",
        "The gradient goes to the side that was chosen.",
        "梯度回到被选中的一边。",
    ),
    "AsType": (
        "gx = gy.astype(x.dtype)",
        "The gradient is cast back.",
        "梯度转换回原来的类型。",
    ),
    "Standardize": (
        "gx = (gy - mean(gy) - y mean(gy y)) / √(variance + eps)",
        "Shift and size of x do not matter to y, so those parts of the gradient are taken out.",
        "y 与 x 的平移和缩放无关，所以梯度中的这两部分被去掉。",
    ),
    "SquaredError": (
        "gx = 2 (x - t) gy / n",
        "The error itself, doubled: large errors pull hard.",
        "误差的两倍：误差越大，拉力越强。",
    ),
    "SoftmaxCrossEntropy": (
        "gx = (softmax(x) - one_hot(t)) gy / n",
        "Probability minus truth: each row sums to zero.",
        "概率减去真值：每一行之和为零。",
    ),
    "SigmoidCrossEntropy": (
        "gx = (sigmoid(x) - t) gy",
        "Probability minus truth.",
        "概率减去真值。",
    ),
    "LSTM": (
        "gh[t-1] = gh[t] ∂h[t]/∂h[t-1]",
        "The gradient runs back through time; the forget gates decide how much of it survives.",
        "梯度沿时间倒流；遗忘门决定保留多少。",
    ),
    "GRU": (
        "gh[t-1] = gh[t] ∂h[t]/∂h[t-1]",
        "The gradient runs back through time; the update gates decide how much of it survives.",
        "梯度沿时间倒流；更新门决定保留多少。",
    ),
}
"""By the name of an operator's class: formula, English, Chinese."""
