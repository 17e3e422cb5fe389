"""TJ-AIDL (Wang et al., CVPR 2018): attributes and identities of the source, and a target that makes them agree.

Two branches look at an image: one learns identities, the other attributes. An encoder-decoder turns the identity
branch's features into a code of the same attributes (identity-inferred attributes) and back, so that what tells
identities apart reaches the attribute branch through attributes alone. On the target, where nobody knows either, the
attribute branch's predictions stand in for attributes, and both predictions are drawn together. The attribute branch's
features are what is searched with.

Fixed by the paper, as far as its abstract and what others report of it say: the two branches, the encoder-decoder
and its three losses, sigmoid cross-entropy for attributes and softmax for identities, soft attributes on the target,
the attribute branch for search. Its full text was not at hand: lambda1 = lambda2 = 10 and the code's layers (512, 128)
are from memory and unverified. Left open, and how we decided:

- The backbone of both branches is the table's, not the paper's MobileNet; both begin alike.
- All parts learn from the first step, by Adam as in the paper, at a rate of 1e-3 (the paper's 2e-3 is from memory) and
  the table's schedule; the target's share of the training comes last, when the rates are low, and sees the target
  alone.
- In it the identity branch rests. The attribute branch's own predictions as soft attributes give it no gradient:
  L_transfer is what moves it.
- Batch norm keeps statistics per domain, as in each row of the table.
"""

from dien_lightning.rivals.tj_aidl.data import AttributedPairDataModule
from dien_lightning.rivals.tj_aidl.losses import TJAIDLObjective
from dien_lightning.rivals.tj_aidl.module import TJAIDLModule

__all__ = ["AttributedPairDataModule", "TJAIDLModule", "TJAIDLObjective"]
