"""The digits of scikit-learn: 1,797 scans of 8 × 8 pixels, no download."""

TEST_SIZE = 1 / 3


def read(name, split, data_dir=None):
    """Reads one part of a fixed stratified split of scikit-learn's digits.

    Args:
        name: Ignored, like `data_dir`: the images are included in scikit-learn.
        split: `"train"` (1,198 images) or `"test"` (599).
        data_dir: Ignored.

    Returns:
        Images, uint8 `(n, 8, 8, 1)` with values 0..16, and labels, int64 `(n,)`. The split and its
        order are from `train_test_split(random_state=0)`.
    """
    del name, data_dir
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    digits = load_digits()
    images = digits.images[..., None].astype("uint8")
    x_train, x_test, y_train, y_test = train_test_split(
        images,
        digits.target,
        test_size=TEST_SIZE,
        random_state=0,
        stratify=digits.target,
    )
    return {"train": (x_train, y_train), "test": (x_test, y_test)}[split]
