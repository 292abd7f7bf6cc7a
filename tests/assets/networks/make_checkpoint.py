# Writes vgg_16.ckpt: a checkpoint of a network of TF-slim, as training leaves it. Of its files the index alone is kept,
# which has all names and shapes; the numbers would be 550 MB.
#
#     python make_checkpoint.py        with TensorFlow 1.15.5 and tf-slim 1.1.0
import tensorflow as tf
from tf_slim.nets import vgg

tf = tf.compat.v1
images = tf.placeholder(tf.float32, [1, 224, 224, 3])
vgg.vgg_16(images, num_classes=1000, is_training=False)
tf.train.get_or_create_global_step()
with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    tf.train.Saver().save(session, "vgg_16.ckpt", write_meta_graph=False)
