"""From the ViT's features to the decoder's hidden size."""

import torch.nn.functional as F
from torch import Tensor, nn


class Connector(nn.Module):
    """fc2(gelu(fc1 x)): [V, vit_hidden] -> [V, hidden]."""

    def __init__(self, vit_hidden: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(vit_hidden, hidden)
        self.fc2 = nn.Linear(hidden, hidden)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(F.gelu(self.fc1(x), approximate="tanh"))
