"""Networks as estimators of scikit-learn: in pipelines, searches and cross-validation.

Import it by name, ``from lamina.sklearn import Classifier``: `lamina` itself needs no scikit-learn.
"""

from ..errors import DependencyError

try:
    from sklearn.utils.validation import validate_data  # noqa: F401 (new in scikit-learn 1.6)
except ImportError as error:
    raise DependencyError(
        f"lamina.sklearn: needs scikit-learn 1.6 or newer ({error}); "
        "install it with: pip install 'lamina[sklearn]'"
    ) from None

from .classifier import Classifier
from .regressor import Regressor

__all__ = ["Classifier", "Regressor"]
