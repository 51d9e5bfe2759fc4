"""Small tables' models as PyTorch exports them, with rows and PyTorch's own answers: writes torch_reference.json beside itself.

Run by hand, since PyTorch is large: python torch_reference.py, with torch 2.14, onnx and onnxscript.
"""

import base64
import json
import os
import sys
import tempfile
import warnings

import torch
from torch import nn

warnings.filterwarnings("ignore")
torch.manual_seed(7)
WIDTH, ROWS = 4, 5


class Then(nn.Module):
    """A layer, and what a function makes of its numbers."""

    def __init__(self, width, ending):
        super().__init__()
        self.layer = nn.Linear(WIDTH, width)
        self.ending = ending

    def forward(self, x):
        return self.ending(self.layer(x))


class Network(nn.Module):
    """Standardizes, fills gaps, and has a hidden layer of its own kind."""

    def __init__(self, ending):
        super().__init__()
        self.register_buffer("mean", torch.randn(WIDTH))
        self.register_buffer("deviation", torch.rand(WIDTH) + 0.5)
        self.hidden = nn.Sequential(nn.Linear(WIDTH, 6), nn.BatchNorm1d(6), nn.SiLU(), nn.Dropout(0.2), nn.LayerNorm(6))
        self.head = nn.Linear(6, 1)
        self.ending = ending

    def forward(self, x):
        filled = torch.where(torch.isnan(x), self.mean, x)
        return self.ending(self.head(self.hidden((filled - self.mean) / self.deviation)))


class Embedded(nn.Module):
    """Codes of categories beside numbers."""

    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(5, 3)
        self.head = nn.Linear(WIDTH + 6, 3)

    def forward(self, codes, x):
        return torch.softmax(self.head(torch.cat([self.table(codes).flatten(1), x], 1)), 1)


class Experts(nn.Module):
    """A gate between two experts."""

    def __init__(self):
        super().__init__()
        self.gate, self.first, self.second = nn.Linear(WIDTH, 1), nn.Linear(WIDTH, 1), nn.Linear(WIDTH, 1)

    def forward(self, x):
        gate = torch.sigmoid(self.gate(x))
        return gate * torch.sigmoid(self.first(x)) + (1 - gate) * torch.sigmoid(self.second(x))


class Recurrent(nn.Module):
    """A row as a sequence."""

    def __init__(self):
        super().__init__()
        self.cells = nn.GRU(1, 3, batch_first=True)
        self.head = nn.Linear(3, 1)

    def forward(self, x):
        return self.head(self.cells(x.unsqueeze(2))[0][:, -1])


def positive(p):
    """A probability as those of both classes."""
    return torch.cat([1 - p, p], 1)


x = torch.randn(ROWS, WIDTH)
gaps = x.clone()
gaps[1, 2] = float("nan")
codes = torch.randint(0, 5, (ROWS, 2))
MODELS = {
    "sigmoid": ("binary", Network(torch.sigmoid), [gaps], positive),
    "sigmoid_squeezed": ("binary", Network(lambda z: torch.sigmoid(z).squeeze(1)), [gaps], lambda p: positive(p.unsqueeze(1))),
    "logit": ("binary", Network(lambda z: z), [gaps], lambda z: positive(torch.sigmoid(z))),
    "logits": ("multiclass", Then(3, lambda z: z), [x], lambda z: torch.softmax(z, 1)),
    "logits_negated": ("multiclass", Then(3, lambda z: -z), [x], lambda z: torch.softmax(z, 1)),
    "logits_sliced": ("multiclass", Then(5, lambda z: z[:, 1:4]), [x], lambda z: torch.softmax(z, 1)),
    "logits_rectified": ("multiclass", Then(3, torch.relu), [x], lambda z: torch.softmax(z, 1)),
    "log_softmax": ("multiclass", Then(3, lambda z: torch.log_softmax(z, 1)), [x], torch.exp),
    "sum_of_classes": ("binary", Then(3, lambda z: torch.softmax(z, 1)[:, 1:2] + torch.softmax(z, 1)[:, 2:3]), [x], positive),
    "sigmoid_by_hand": ("binary", Then(1, lambda z: 1 / (1 + torch.exp(-z))), [x], positive),
    "experts": ("binary", Experts(), [x], positive),
    "embedded": ("multiclass", Embedded(), [codes, x], lambda p: p),
    "regression": ("regression", Network(lambda z: z), [gaps], lambda y: y),
    "recurrent": ("regression", Recurrent(), [x], lambda y: y),
}


def export(net, inputs, is_dynamo):
    """The bytes of one file, for any number of rows."""
    names = [f"input_{place}" for place in range(len(inputs))]
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.onnx")
        if is_dynamo:
            batch = torch.export.Dim("batch")
            torch.onnx.export(net, tuple(inputs), path, input_names=names, dynamo=True, external_data=False,
                              dynamic_shapes=tuple({0: batch} for _ in inputs))
        else:
            torch.onnx.export(net, tuple(inputs), path, input_names=names, output_names=["output"], dynamo=False,
                              dynamic_axes={name: {0: "batch"} for name in [*names, "output"]})
        with open(path, "rb") as file:
            return file.read()


cases = []
for name, (task, net, inputs, answered) in MODELS.items():
    net.eval()
    for layer in net.modules():
        if isinstance(layer, nn.BatchNorm1d):
            layer.running_mean.normal_()
            layer.running_var.uniform_(0.5, 1.5)
    with torch.no_grad():
        expected = answered(net(*inputs)).double().tolist()
    rows = torch.cat([part.double() for part in inputs], 1).tolist()
    for exporter in ["torchscript", "dynamo"]:
        onnx = export(net, inputs, exporter == "dynamo")
        cases.append({
            "name": name,
            "exporter": exporter,
            "task": task,
            "rows": [[None if value != value else value for value in row] for row in rows],
            "expected": expected,
            "onnx": base64.b64encode(onnx).decode(),
        })
        print(name, exporter, len(onnx), file=sys.stderr)

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "torch_reference.json"), "w") as file:
    json.dump({"torch": torch.__version__.split("+")[0], "cases": cases}, file, indent=1)
    file.write("\n")
